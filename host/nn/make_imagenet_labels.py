#!/usr/bin/env python3
"""Writes host/nn/imagenet_labels.c. Needs torchvision: host/nn/make_imagenet_labels.py > host/nn/imagenet_labels.c"""
import torchvision
from torchvision.models._meta import _IMAGENET_CATEGORIES

print(f"""/* The names of the 1000 classes of ImageNet (ILSVRC 2012), as torchvision has them: _IMAGENET_CATEGORIES in
 * torchvision/models/_meta.py, Copyright (c) Soumith Chintala 2016, BSD 3-Clause License. Made by
 * make_imagenet_labels.py with torchvision {torchvision.__version__}. */
#include "labels.h"

const char *const rncl_imagenet_labels[RNCL_IMAGENET_CLASSES] = {{""")
for name in _IMAGENET_CATEGORIES:
    print(f'    "{name}",')
print("};")
