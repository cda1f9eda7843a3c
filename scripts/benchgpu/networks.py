"""The networks that are measured, by rncl and by PyTorch."""
from typing import NamedTuple


class Network(NamedTuple):
    arch: str
    depth: int
    image: int
    quick_image: int
    classes: int


NETWORKS = {
    "resnet50": Network("resnet", 50, 224, 64, 1000),
    "resnet18": Network("resnet", 18, 224, 64, 1000),
    "resnet20": Network("cifar-resnet", 20, 32, 32, 10),
}
# Network and batch, in the order of their weight.
MEASURED = (("resnet50", 64), ("resnet18", 64), ("resnet20", 128), ("resnet50", 128), ("resnet18", 128))
