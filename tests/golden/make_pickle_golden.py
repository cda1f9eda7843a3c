#!/usr/bin/env python3
"""Writes tests/golden/pickle_golden.h: the same values as Python pickles them in protocols 0 to 5:
tests/golden/make_pickle_golden.py > tests/golden/pickle_golden.h"""
import collections
import pickle
import platform

# tests/base/test_pickle.c expects these values.
PAIR = (True, b"x\xe9")
VALUES = {
    "none": None,
    "numbers": [1, 300, 70000, -4, 2**40, -(2**33), 2**80],
    "real": 0.5,
    "pair": PAIR,
    "again": PAIR,
    "text": "\u00e9",
    "nested": [[], (), {}, ((1, 2, 3, 4),)],
    "ordered": collections.OrderedDict(b=1, a=2),
}

print(f"/* Made by make_pickle_golden.py with Python {platform.python_version()}. */")
for protocol in range(6):
    data = pickle.dumps(VALUES, protocol)
    lines = [", ".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24)]
    print(f"static const unsigned char pickle_protocol_{protocol}[] = {{\n    " + ",\n    ".join(lines) + "};")
rows = ", ".join(f"{{pickle_protocol_{protocol}, sizeof pickle_protocol_{protocol}}}" for protocol in range(6))
print("/* By protocol. */\nstatic const struct {\n    const unsigned char *bytes;\n    size_t size_bytes;\n"
      f"}} pickle_protocols[] = {{{rows}}};")
