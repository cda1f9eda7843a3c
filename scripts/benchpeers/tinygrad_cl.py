"""Training steps of tinygrad on its OpenCL device (DEV=CL). Needs tinygrad 0.14 or later."""
from networks import answer, median_seconds
from tinygrad import Context, Device, Tensor, TinyJit, nn


class Normalised:
    """A convolution and its batch normalisation."""

    def __init__(self, inputs, outputs, size, stride=1):
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.bn = nn.BatchNorm(outputs)

    def __call__(self, x):
        return self.bn(self.conv(x))


class Block:
    """Two 3x3 convolutions; where sizes change, a projection, or in the CIFAR networks shortcut A."""

    def __init__(self, inputs, outputs, stride, projects):
        self.stride, self.added = stride, outputs - inputs
        self.first, self.second = Normalised(inputs, outputs, 3, stride), Normalised(outputs, outputs, 3)
        self.projection = Normalised(inputs, outputs, 1, stride) if projects and self.added else None

    def __call__(self, x):
        y = self.second(self.first(x).relu())
        if self.projection:
            x = self.projection(x)
        elif self.added:
            x = x[:, :, :: self.stride, :: self.stride].pad((None, (0, self.added), None, None))
        return (x + y).relu()


BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class Resnet:
    def __init__(self, network):
        self.is_cifar = network.arch == "cifar-resnet"
        counts = [(network.depth - 2) // 6] * 3 if self.is_cifar else BLOCKS[network.depth]
        inputs = 16 if self.is_cifar else 64
        self.stem = Normalised(3, inputs, 3) if self.is_cifar else Normalised(3, inputs, 7, 2)
        self.blocks = []
        for stage, count in enumerate(counts):
            for i in range(count):
                outputs = inputs * 2 if stage and not i else inputs
                self.blocks.append(Block(inputs, outputs, outputs // inputs, not self.is_cifar))
                inputs = outputs
        self.fc = nn.Linear(inputs, network.classes)

    def __call__(self, x):
        x = self.stem(x).relu()
        if not self.is_cifar:
            x = x.max_pool2d((3, 3), 2, padding=1)
        return self.fc(x.sequential(self.blocks).mean((2, 3)))


def step_seconds(network):
    if Device.DEFAULT != "CL":
        raise SystemExit("tinygrad: DEV=CL chooses its OpenCL device")
    model = Resnet(network)
    optimizer = nn.optim.SGD(nn.state.get_parameters(model), 0.1, momentum=0.9, weight_decay=1e-4)
    x = Tensor.randn(network.batch, 3, network.image, network.image).realize()
    labels = Tensor.randint(network.batch, high=network.classes).realize()

    @TinyJit
    def train():
        optimizer.zero_grad()
        loss = model(x).sparse_categorical_crossentropy(labels).backward()
        return loss.realize(*optimizer.schedule_step())

    def step():
        with Context(TRAINING=1):
            train().item()

    return median_seconds(step, network.steps, untimed=3)  # TinyJit records the second


if __name__ == "__main__":
    answer(lambda network, _precision: step_seconds(network))
