"""Full training steps of PyTorch on random data, for the stage `pytorch`; needs torch and nothing else.

Prints a line of JSON about PyTorch and the device, then one for each network, batch and mode. fp32 and tf32 are tried in both memory
layouts, bf16 is autocast in channels_last, as PyTorch's guide recommends. The step's time is the median.
"""
import contextlib
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

from networks import MEASURED, NETWORKS

WARM_UP, TIMED = 4, 8
LAYOUTS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}
# What it is called, TF32 allowed, bfloat16, layouts.
MODES = (("fp32", False, False, ("nchw", "nhwc")), ("tf32", True, False, ("nhwc", "nchw")), ("bf16", True, True, ("nhwc",)))


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


class Block(nn.Module):
    """A residual block: convolutions with batch normalisation, and a projection where sizes change."""

    def __init__(self, convolutions, projection=None):
        super().__init__()
        layers = []
        for convolution in convolutions:
            layers += [convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])
        self.projection = projection

    def forward(self, x):
        return functional.relu(self.layers(x) + (x if self.projection is None else self.projection(x)))


class Padding(nn.Module):
    """He et al.'s shortcut A: every second pixel, and zeros for the new channels."""

    def __init__(self, stride, added):
        super().__init__()
        self.stride, self.added = stride, added

    def forward(self, x):
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))


def imagenet_resnet(blocks, bottleneck):
    """torchvision's: stride on the 3x3 convolution, projections where sizes change."""
    layers, inputs = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(blocks):
        width = 64 << stage
        outputs = width * 4 if bottleneck else width
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            if bottleneck:
                convolutions = conv(inputs, width, 1), conv(width, width, 3, stride), conv(width, outputs, 1)
            else:
                convolutions = conv(inputs, width, 3, stride), conv(width, width, 3)
            changes = stride > 1 or inputs != outputs
            projection = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)) if changes else None
            layers.append(Block(convolutions, projection))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def cifar_resnet(depth):
    layers, inputs = [conv(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True)], 16
    for outputs in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            stride = outputs // inputs
            layers.append(Block((conv(inputs, outputs, 3, stride), conv(outputs, outputs, 3)),
                                Padding(stride, outputs - inputs) if stride > 1 else None))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def build(name):
    if name == "resnet20":
        return cifar_resnet(20)
    return imagenet_resnet((3, 4, 6, 3), True) if name == "resnet50" else imagenet_resnet((2, 2, 2, 2), False)


def device_module():
    """torch.cuda (NVIDIA and ROCm), torch.xpu (Intel), or None for the CPU."""
    for name in ("cuda", "xpu"):
        module = getattr(torch, name, None)
        if module is not None and module.is_available():
            return name, module
    return "cpu", None


def images_per_second(model, name, batch, image, device, module, bf16, layout, steps):
    model = model.to(device).to(memory_format=layout).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    x = torch.randn(batch, 3, image, image, device=device).to(memory_format=layout)
    labels = torch.randint(NETWORKS[name].classes, (batch,), device=device)
    seconds = []
    for _ in range(WARM_UP + steps):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16) if bf16 else contextlib.nullcontext():
            loss = functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        if module:
            module.synchronize()
        seconds.append(time.perf_counter() - begin)
    return batch / statistics.median(seconds[WARM_UP:])


def main():
    quick = "--quick" in sys.argv[1:]
    device, module = device_module()
    print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "hip": torch.version.hip, "device": device,
                      "device_name": module.get_device_name() if module else None}), flush=True)
    if not module and not quick:
        return
    torch.backends.cudnn.benchmark = True
    for name, batch in MEASURED[2:3] if quick else MEASURED:
        image, batch, steps = (NETWORKS[name].quick_image, 2, 1) if quick else (NETWORKS[name].image, batch, TIMED)
        for mode, tf32, bf16, layouts in MODES:
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            for layout in layouts:
                torch.manual_seed(1)
                row = {"network": name, "batch": batch, "mode": mode, "layout": layout}
                try:
                    model = build(name)
                    row["parameters"] = sum(parameter.numel() for parameter in model.parameters())
                    row["images_per_second"] = images_per_second(model, name, batch, image, device, module, bf16, LAYOUTS[layout], steps)
                except RuntimeError as error:  # out of memory, or a type that the device has not
                    row["error"] = str(error).splitlines()[0][:200]
                print(json.dumps(row), flush=True)
                if module:
                    module.empty_cache()


if __name__ == "__main__":
    main()
