#!/usr/bin/env python3
"""Prints torchvision.h: an FNV-1a hash over each ResNet's parameters, "name:dims\n" in torchvision's order, and over
the names of its batch normalisations."""
import torchvision.models as models


def fnv(text):
    value = 14695981039346656037
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


print("/* Made by make_torchvision.py: hashes of the parameters and batch normalisations of torchvision's ResNets. */")
print("static const struct torchvision {\n    int depth;\n    uint64_t params, norms;\n} torchvision[] = {")
for depth in (18, 34, 50, 101, 152):
    model = getattr(models, f"resnet{depth}")()
    params = "".join(f"{n}:{','.join(map(str, p.shape))}\n" for n, p in model.named_parameters())
    norms = "".join(n[: -len("running_mean")] + "\n" for n, _ in model.named_buffers() if n.endswith("running_mean"))
    print(f"    {{{depth}, UINT64_C({fnv(params):#x}), UINT64_C({fnv(norms):#x})}},")
print("};")
