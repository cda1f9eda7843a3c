#!/usr/bin/env python3
"""Prints network_golden.h: what PyTorch makes of whole networks in double precision. Needs torch and torchvision.
With --bf16 it prints network_bf16_golden.h: how far the first step is from that when PyTorch's autocast rounds to bfloat16.

Weights, running statistics, pictures and labels are not stored: golden_values.h and this script draw them from the
same hash of (what it is called, index of the element), by the same float32 operations, so that both sides start alike.

Tensors are stored as their norm and PROJECTIONS sums of their elements with signs, both in PyTorch's order of
elements. The signs are bits of a hash, so that for a difference d between two tensors the square of each difference of
sums has the mean |d|^2 (Achlioptas 2003): the root of their mean estimates |d|. With 16 sums it is below half of |d|
with probability 0.001 (chi-squared with 16 degrees of freedom), so tests that allow half of the wanted bound hold it
for the tensor as a whole.

Rounding decides which side of a ReLU's edge a value falls on when it is nearly zero, and one such decision changes a
small layer's gradient by 1e-3. So the values keep away from the edge: half of the channels, by the biases of their batch
normalisation, are almost always on and half almost always off; and the steps are so short that ten of them do not
amplify what remains. By how much PyTorch's own float32 differs from these values is printed to standard error: it
stays below a hundredth of the tolerances (of the update, a tenth).
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
import torchvision

PROJECTIONS = 16
STEPS = 10
BATCH = 4
CLASSES = 10
MOMENTUM = 0.9
DECAY = 1e-4


def mix(x):
    """Wellons' lowbias32; C: golden_mix."""
    x = x.astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def hashes(name, count):
    """One 32-bit number for each element; the name by FNV-1a."""
    stream = 2166136261
    for byte in name.encode():
        stream = (stream ^ byte) * 16777619 % 2**32
    return mix(mix(np.arange(count, dtype=np.uint64)) + np.uint32(stream))


def uniform(name, shape, middle, spread):
    """middle +- spread, in float32."""
    unit = (hashes(name, int(np.prod(shape))) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    return torch.from_numpy((np.asarray(middle, np.float32) + np.float32(spread) * unit).reshape(shape))


def on_or_off(name, count):
    """Where batch normalisation moves a channel: to 2.2 or -1.8 of its deviations."""
    return np.where(hashes(name, count) & 1, 0.55, -0.45)


def draw(name, shape):
    """Filters and matrices as He et al. 2015b; the rest near where training leaves it."""
    if len(shape) > 1:
        return uniform(name, shape, 0, np.sqrt(6.0 / np.prod(shape[1:])))
    if name.endswith(".weight"):
        return uniform(name, shape, 0.25, 0.05)
    if name.endswith(".running_var"):
        return uniform(name, shape, 1, 0.5)
    if name.endswith(".bias") and name != "fc.bias":
        return uniform(name, shape, on_or_off(name, shape[0]), 0.05)
    return uniform(name, shape, 0, 0.25)


def picture_batch(step, image):
    return uniform(f"pictures {step}", (BATCH, 3, image, image), 0, 2)


def label_batch(step):
    return torch.from_numpy((hashes(f"labels {step}", BATCH) % CLASSES).astype(np.int64))


def sums(tensor):
    flat = tensor.detach().double().flatten().numpy()
    bits = hashes("signs", flat.size)
    return [float(flat @ (1.0 - 2.0 * ((bits >> np.uint32(p)) & 1))) for p in range(PROJECTIONS)]


class CifarBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y + shortcut)


class CifarResNet(nn.Module):
    """He et al. 2015, section 4.2, with shortcut A."""

    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks, channels = (depth - 2) // 6, 16
        for stage in range(3):
            layer = []
            for block in range(blocks):
                outputs = 16 << stage
                layer.append(CifarBlock(channels, outputs, 2 if stage and not block else 1))
                channels = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


NETWORKS = [  # name, constructor, image, learning rate
    ("resnet18", lambda: torchvision.models.resnet18(num_classes=CLASSES), 64, 0.001),
    ("resnet50", lambda: torchvision.models.resnet50(num_classes=CLASSES), 64, 0.0005),
    ("cifar20", lambda: CifarResNet(20), 32, 0.01),
]


def run(make, image, lr, dtype, steps=STEPS, autocast=False):
    """Everything that is compared, as name -> tensor or number."""
    model = make().to(dtype)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype == dtype:
                tensor.copy_(draw(name, tuple(tensor.shape)))
    first = {name: p.detach().clone() for name, p in model.named_parameters()}
    batch = picture_batch(0, image).to(dtype)
    with torch.no_grad():
        found = {"inference": model.eval()(batch)}
    optimiser = torch.optim.SGD(model.parameters(), lr, MOMENTUM, weight_decay=DECAY)
    model.train()
    for step in range(steps):
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            logits = model(picture_batch(step, image).to(dtype))
            loss = F.cross_entropy(logits, label_batch(step))
        loss.backward()
        if step == 0:
            found.update(training=logits.detach(), loss=loss.detach())
            found["gradient"] = {name: p.grad.clone() for name, p in model.named_parameters()}
            found["running"] = {n: b.clone() for n, b in model.named_buffers() if n.split(".")[-1].startswith("running")}
        optimiser.step()
    found["update"] = {name: p.detach() - first[name] for name, p in model.named_parameters()}
    found["weights"] = {name: p.detach() for name, p in model.named_parameters()}
    return found


def report(name, exact, single):
    """How far PyTorch's float32 is from its float64."""
    print(name, file=sys.stderr)
    for what in ("inference", "training", "loss"):
        print(f"    {what}: {float((exact[what] - single[what]).abs().max()):.1e}"
              f" of {float(exact[what].abs().max()):.3g}", file=sys.stderr)
    for what in ("gradient", "running", "weights", "update"):
        distances = {n: float((t - single[what][n]).norm()) for n, t in exact[what].items()}
        worst = max(distances, key=lambda n: distances[n] / float(exact[what][n].norm()))
        print(f"    {what}: {distances[worst]:.1e} of {float(exact[what][worst].norm()):.3g} ({worst})", file=sys.stderr)


def distance(exact, found):
    """Relative to the exact one."""
    return float((found.double() - exact).norm() / exact.norm())


def print_bf16():
    print("/* Made by make_network_golden.py --bf16: relative distances of PyTorch's autocast to bfloat16 from double precision,")
    print(" * of the first step's logits and gradients; of the latter the root of the mean square of all tensors' distances. */")
    print("/* clang-format off */")
    print("static const golden_bf16 golden_bf16_networks[] = {")
    for name, make, image, lr in NETWORKS:
        exact = run(make, image, lr, torch.float64, steps=1)
        found = run(make, image, lr, torch.float32, steps=1, autocast=True)
        logits = distance(exact["training"], found["training"])
        gradients = [distance(t, found["gradient"][n]) for n, t in exact["gradient"].items()]
        print(f'{{"{name}",{number(logits)},{number(np.sqrt(np.mean(np.square(gradients))))}}},')
    print("};")


def number(value):
    return f"{float(value):.9g}"


def floats(values):
    return "{" + ",".join(map(number, values)) + "}"


def tensors(found):
    rows = [f'{{"{name}",{number(t.double().norm())},{floats(sums(t))}}}' for name, t in found.items()]
    return "(const golden_tensor[]){\n" + ",\n".join(rows) + "}"


def main():
    print("/* Made by make_network_golden.py: whole networks as PyTorch computes them in double precision. */")
    print("/* clang-format off */")
    print("static const golden_network golden_networks[] = {")
    for name, make, image, lr in NETWORKS:
        exact = run(make, image, lr, torch.float64)
        report(name, exact, run(make, image, lr, torch.float32))
        print(f'{{"{name}",{lr}f,{float(exact["loss"]):.12g},')
        for what in ("inference", "training"):
            print(floats(exact[what].flatten()) + ",")
        for what in ("gradient", "running", "update"):
            print(tensors(exact[what]) + ",")
        print("},")
    print("};")


if __name__ == "__main__":
    if sys.argv[1:] == ["--bf16"]:
        print_bf16()
    else:
        main()
