"""What scripts/bench-peers measures, and how a peer says it."""
import statistics
import sys
import time
from collections import namedtuple

Network = namedtuple("Network", "arch depth batch image classes steps")  # steps: that are timed
NETWORKS = {
    "resnet20": Network("cifar-resnet", 20, 128, 32, 10, 20),
    "resnet18": Network("resnet", 18, 16, 224, 1000, 5),
    "resnet34": Network("resnet", 34, 8, 224, 1000, 5),
    "resnet50": Network("resnet", 50, 8, 224, 1000, 5),
    "resnet18-64": Network("resnet", 18, 64, 64, 1000, 10),
    "resnet18-64-8": Network("resnet", 18, 8, 64, 1000, 20),
    "resnet50-64-16": Network("resnet", 50, 16, 64, 1000, 10),
    "resnet50-1": Network("resnet", 50, 1, 224, 1000, 10),
    "resnet152-4": Network("resnet", 152, 4, 224, 1000, 3),
}


def median_seconds(step, steps, untimed):
    """Of a step, after those that are not timed."""
    seconds = []
    for _ in range(untimed + steps):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[untimed:])


def answer(step_seconds):
    """The main program of a peer: prints images/s of the network and in the precision that the command line names."""
    network = NETWORKS[sys.argv[1]]
    print(network.batch / step_seconds(network, sys.argv[2]))
