"""Training steps of PyTorch, in the memory layout in which it is faster; in bf16 by autocast. Needs torch and torchvision."""
import os

import torch
import torchvision
from networks import answer, median_seconds
from torch import nn
from torch.nn import functional


class CifarBlock(nn.Module):
    """Two 3x3 convolutions; where sizes change, shortcut A takes every second pixel and pads the channels."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, self.added = stride, outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.added:
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return functional.relu(x + y)


def cifar_resnet(depth, classes):
    """He et al. 2015, section 4.2."""
    layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for outputs in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            layers.append(CifarBlock(inputs, outputs, outputs // inputs))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def seconds_in(network, precision, layout):
    is_cifar = network.arch == "cifar-resnet"
    model = cifar_resnet(network.depth, network.classes) if is_cifar else getattr(torchvision.models, f"resnet{network.depth}")()
    model = model.train().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    x = torch.randn(network.batch, 3, network.image, network.image).to(memory_format=layout)
    labels = torch.randint(network.classes, (network.batch,))

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()

    return median_seconds(step, network.steps, untimed=1)


def step_seconds(network, precision):
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # whatever the environment says
    return min(seconds_in(network, precision, layout) for layout in (torch.contiguous_format, torch.channels_last))


if __name__ == "__main__":
    answer(step_seconds)
