#!/usr/bin/env python3
"""Writes first inputs for the fuzz targets: make_seeds.py FOLDER makes FOLDER/NAME/seed-*. What fuzzing made of
them, minimised, is in corpus/. Needs numpy."""
import base64
import gzip
import json
import os
import pickle
import re
import struct
import sys
import zlib

import numpy

# 8 x 8 pixels: 4:2:0, and grey with progressive scans.
JPEGS = [
    base64.b64decode(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7"
        "gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8"
        "fHx8fHx8fHz/wAARCAAIAAgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF"
        "BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW"
        "V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
        "4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAEC"
        "AxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm"
        "Z2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq"
        "8vP09fb3+Pn6/9oADAMBAAIRAxEAPwBrJHCFLJHGqyFRviaFe/8AGnDHj6d6KKKYj//Z"),
    base64.b64decode(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7"
        "gYKBTmCNl4x9lnN+gXz/wgALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/aAAgBAQAAAAE//8QAFhAAAwAAAAAAAAAA"
        "AAAAAAAAAAEh/9oACAEBAAEFAoj/xAAZEAABBQAAAAAAAAAAAAAAAAAAAREhQVH/2gAIAQEABj8CpJxj/8QAGRABAAIDAAAAAAAA"
        "AAAAAAAAAQARITGR/9oACAEBAAE/IUpsAplHpuf/2gAIAQEAAAAQf//EABoQAQABBQAAAAAAAAAAAAAAAAEAIUFRYXH/2gAIAQEA"
        "AT8QESgGca1Tl5//2Q=="),
]


def png(depth, colour, width, height, interlaced=0, palette=b""):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = (width * channels * depth + 7) // 8
    data = b"".join(b"\0" + bytes((7 * i + y) & 255 if colour != 3 else 0 for i in range(row)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
            + (chunk(b"PLTE", palette) if palette else b"") + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 & (1 << 64) - 1
    return struct.pack("<Q", value)


def checkpoint(averaged):
    params, state = 5, 2
    floats = 2 * params + state + (params + state if averaged else 0)
    head = b"RNCLCKPT" + struct.pack("<5Q", 3, 7, params, state, averaged) + bytes(6 * 8) + struct.pack("<17q", 3, *[0] * 16)
    body = head + struct.pack("<%df" % floats, *range(floats))
    return body + fnv(body)


def idx(*sizes):
    count = 1
    for size in sizes:
        count *= size
    return struct.pack(">%dI" % (len(sizes) + 1), 0x800 + len(sizes), *sizes) + bytes(i & 3 for i in range(count))


def pickles():
    """A small CIFAR batch in each protocol; 0 and 1 are refused."""
    batch = {b"data": numpy.arange(6, dtype=numpy.uint8).reshape(2, 3), b"labels": [1, 300, -4, 1 << 40], b"x": (True, None, 0.5)}
    return [pickle.dumps(batch, protocol) for protocol in range(6)]


def pth_files():
    """PyTorch's own files, and the pickles inside them."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "pth_golden.h")
    with open(path) as header:
        arrays = re.findall(r"pth_(\w+)\[\] = {([\d,\s]*)}", header.read())
    files = {name: bytes(map(int, numbers.split(","))) for name, numbers in arrays}
    legacy = files["legacy"]
    third = legacy.index(b"little_endian")
    inside = legacy[legacy.index(b"\x80\x02", third):]  # from the state dict on
    return [files[name] for name in ("stored", "deflated", "legacy")] + [inside]


def safetensors(tensors, metadata=None, seal=False):
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    if seal:
        metadata["rncl.crc32"] = "%08x" % zlib.crc32(data)
        metadata["rncl.header"] = "%08x" % zlib.crc32(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


SAFETENSORS = [
    safetensors({}),
    safetensors({"a": ("F32", [2, 3], struct.pack("<6f", *range(6))), "module.b": ("F16", [2], b"\0\x3c\0\xbc")}),
    safetensors({"n": ("I64", [], struct.pack("<q", -7)), "h": ("BF16", [1], b"\x80\x3f"), "e": ("F64", [0, 4], b"")},
                {"format": "pt", "rncl.crc32": "00000000"}),
    safetensors({"a": ("F32", [2], struct.pack("<2f", 1, 2))}, {"format": "pt"}, seal=True),
    safetensors({"a": ("F32", [2], struct.pack("<2f", 1, 2))}, {"rncl.header": "00000000"}),
]

TUNING = ('{"format":1,"platform":"p","device":"d","compute_units":1,\n"results":[\n'
          '{"problem":"forward n3 h12 w12 c16 k32 r3 s3 stride1 pad1","algorithm":"direct","knobs":{"VW":8},'
          '"time_ns":5,"preset_ns":9,"finished":true,"driver":"1","kernels":"0"},\n'
          '{"problem":"sgd update n7","algorithm":"sgd","knobs":{},"failed":"why","driver":"1","kernels":"0"}\n]}\n')

SEEDS = {
    "checkpoint": [b"\0" + checkpoint(0), b"\1" + checkpoint(0), b"\3" + checkpoint(1)],
    "csv": [b"\x0b1,1,1\n2,1,1\n3,1,1\n", b"\x0a0.1,1,8,0.1,1,1,1,1,1,1,1\n0.2,5,8,0.1,1,1,1,1,1,1,1\n", b"\x0bx\n1,1,1\n"],
    "ini": [b"depth = 20\narch = cifar-resnet\nlr = 0.1\n", b"; text\nmean = 0.5,0.5,0.5\nshuffle = off\ndata = /x\n"],
    "arguments": [b"\0--depth\0" b"20\0--lr=0.1\0--shuffle\0", b"\2a.png\0--top\0" b"3", b"\1--help", b"\4x\0--json"],
    "tuning": [TUNING.encode()],
    "png": [b"\0" + png(8, 2, 3, 2), b"\0" + png(16, 0, 2, 2), b"\0" + png(1, 3, 9, 2, 1, b"\1\2\3\4\5\6"),
            b"\0" + png(8, 6, 5, 5, 1)],
    "jpeg": [b"\0" + JPEGS[0], b"\4" + JPEGS[0], b"\0" + JPEGS[1]],
    "idx": [b"\1" + idx(2, 3, 3), b"\0" + idx(4), b"\3" + gzip.compress(idx(2, 3, 3), mtime=0),
            b"\2" + gzip.compress(idx(4), mtime=0)],
    "cifar": [b"\0" + b"\1\2" + bytes(3072), b"\n".join(b"%d" % i for i in range(100)) + b"\n\0" + b"\1\2" + bytes(3072)],
    "pickle": pickles(),
    "pth": pth_files(),
    "safetensors": SAFETENSORS,
}

for name, seeds in SEEDS.items():
    folder = os.path.join(sys.argv[1], name)
    os.makedirs(folder, exist_ok=True)
    for number, seed in enumerate(seeds):
        with open(os.path.join(folder, "seed-%d" % number), "wb") as file:
            file.write(seed)
