#!/usr/bin/env python3
"""Writes tests/golden/pth_golden.h: small files of torch.save in each of its forms. Needs torch:
tests/golden/make_pth_golden.py > tests/golden/pth_golden.h"""
import io
import zipfile

import torch

VALUES = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4 - 0.5


def state_dict():
    """Views and types of all kinds; tests/nn/test_pth.c expects these values."""
    return {
        "module.f64": VALUES.double(),
        "module.f32": VALUES.clone(),
        "module.f16": VALUES.half(),
        "module.bf16": VALUES.bfloat16(),
        "module.turned": VALUES.t(),
        "module.part": VALUES[1, 1:],
        "module.parameter": torch.nn.Parameter(VALUES.clone()),
        "module.batches": torch.tensor(-7),
        "module.small": torch.tensor([200], dtype=torch.uint8),
        "module.empty": torch.zeros(0, 4),
    }


def saved(what, **options):
    stream = io.BytesIO()
    torch.save(what, stream, **options)
    return stream.getvalue()


def deflated(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return stream.getvalue()


FILES = {
    "stored": saved(state_dict()),
    "deflated": deflated(saved(state_dict())),
    "protocol_4": saved(state_dict(), pickle_protocol=4),
    "legacy": saved(state_dict(), _use_new_zipfile_serialization=False),
    "checkpoint": saved({"epoch": 3, "lr": 0.5, "best": None, "state_dict": state_dict(),
                         "optimizer": {"state": {0: {"momentum_buffer": VALUES}}, "param_groups": [{"params": [0]}]}}),
}

print(f"/* Made by make_pth_golden.py with PyTorch {torch.__version__}. */")
for name, data in FILES.items():
    lines = [", ".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24)]
    print(f"static const unsigned char pth_{name}[] = {{\n    " + ",\n    ".join(lines) + "};")
rows = ", ".join(f"{{\"{name}\", pth_{name}, sizeof pth_{name}}}" for name in FILES)
print("static const struct pth_file {\n    const char *name;\n    const unsigned char *bytes;\n    size_t size_bytes;\n"
      f"}} pth_files[] = {{{rows}}};")
