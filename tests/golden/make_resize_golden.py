#!/usr/bin/env python3
"""Writes tests/golden/resize_golden.h: what Pillow's anti-aliased bilinear resize makes of pictures that the test draws by
the same rule. Needs Pillow: tests/golden/make_resize_golden.py > tests/golden/resize_golden.h"""
from PIL import Image, __version__

# Height, width, window (left, top, right, bottom), result's height and width.
CASES = [
    (23, 37, (0, 0, 37, 23), 16, 16),
    (12, 10, (0, 0, 10, 12), 17, 19),
    (48, 64, (3.5, 2.25, 60.75, 40.5), 12, 20),
    (30, 30, (10, 5, 21, 16), 11, 11),
    (90, 7, (0, 0, 7, 90), 3, 7),
    (9, 9, (0, 0, 9, 9), 9, 9),
]


def value(y, x, c):
    return (y * 7919 + x * 104729 + c * 1299709 + y * x * 31) % 251


def picture(height, width):
    data = bytes(value(y, x, c) for y in range(height) for x in range(width) for c in range(3))
    return Image.frombytes("RGB", (width, height), data)


print(f"/* Made by make_resize_golden.py with Pillow {__version__}. */")
rows = []
for i, (height, width, box, h, w) in enumerate(CASES):
    out = picture(height, width).resize((w, h), Image.BILINEAR, box=box).tobytes()
    print(f"static const unsigned char resized_{i}[] = {{{','.join(map(str, out))}}};")
    left, top, right, bottom = box
    window = ", ".join(f"{float(v)}f" for v in (top, left, bottom - top, right - left))
    rows.append(f"    {{{height}, {width}, {{{window}}}, {h}, {w}, resized_{i}}},")
print("static const resize_case cases[] = {\n" + "\n".join(rows) + "\n};")
