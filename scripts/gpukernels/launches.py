"""The launches of a training step on a pretended GPU, and what each computes and moves."""
import dataclasses
import math
import re
import tempfile

from gpukernels.programs import pretend


@dataclasses.dataclass
class Launch:
    """One launch; arguments are lists of 32-bit words, or an int: the bytes of a buffer."""
    kernel: str
    source: str
    options: str
    size: list
    group: list
    arguments: list

    @property
    def groups(self):
        return math.prod(-(-a // b) for a, b in zip(self.size, self.group))

    @property
    def shape(self):
        return next((words for words in self.arguments if isinstance(words, list) and len(words) > 2), [])

    def knob(self, name, otherwise=1):
        found = re.search(rf"-D{name}=(\d+)", self.options)
        return int(found[1]) if found else otherwise


@dataclasses.dataclass
class Product:
    """A convolution in tiles: of each convolution of a batch, and of each share of the depth."""
    name: str
    rows: int
    columns: int
    depth: int
    batch: int
    shares: int
    useful: float  # share of the products that are not by zeros between pixels
    bytes: int


def step(build, device, command, folder):
    """The launches from one update to the next: a step."""
    built, found, updates = {}, [], []
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as log:
        pretend(build, device, log.name, f"bench {command} --steps 2", folder, launches=True)
        for line in log:
            kind, name, *rest = line.split()
            if kind == "build":
                built[name] = (f"{folder}/{rest[0]}.cl", " ".join(rest[1:]))
                continue
            program, size, group, *words = rest
            arguments = [int(w[1:]) if w[0] == "b" else [int(x) for x in w.split(",")] for w in words]
            found.append(Launch(name, *built[program], [int(x) for x in size.split(",")], [int(x) for x in group.split(",")],
                                arguments))
            if name == "sgd_update":
                updates.append(len(found))
    return found[updates[-2]:updates[-1]]


def product(launch):
    """What a launch of a tiled convolution computes; None for other kernels."""
    if launch.kernel == "conv_implicit_gemm":
        n, h, w, c, k, r, s, stride, _, p, q = launch.shape
        which = launch.knob("PASS", 0)
        rows, columns, depth = [(n * p * q, k, r * s * c), (n * h * w, c, r * s * k), (r * s * c, k, n * p * q)][which]
        batch, z = launch.arguments[1][0], launch.size[2] // launch.group[2]
        useful = 1 / stride ** 2 if which == 1 else 1
    elif launch.kernel == "conv_tiled":
        n, h, w, c, r, s, stride, _, _, p, q, k = launch.shape[:12]
        which = 2 if launch.knob("DFILTER", 0) else 0
        rows, columns, depth = [(n * p * q, k, r * s * c), None, (r * s * c, k, n * p * q)][which]
        batch, z = launch.arguments[2][0], launch.size[1] // launch.group[1]
        useful = 1
    else:
        return None
    kind = "Winograd products" if batch > 1 else f"{r}x{s}" + (f"/{stride}" if stride > 1 else "")
    passes = ("forward", "input gradient", "filter gradient") if launch.kernel == "conv_implicit_gemm" else \
        ("forward and input gradient", "", "filter gradient")
    shares = max(z // batch, 1)
    moved = 4 * batch * (n * h * w * c + n * p * q * k + r * s * c * k * shares)
    return Product(f"conv {passes[which]} {kind}", rows, columns, depth, batch, shares, useful, moved)


def moved_bytes(launch):
    """Bytes that the launch of any other kernel reads and writes, each once."""
    vector, words = launch.knob("VW"), launch.arguments
    items = math.prod(launch.size)
    if launch.kernel.startswith("batchnorm"):
        x = 4 * math.prod(launch.shape[:4])
        residual = launch.knob("RESIDUAL", 0) == 1
        tensors = {"statistics": 1, "apply": 2 + residual, "gradient_sums": 2 + 2 * residual, "gradient": 3}
        return x * tensors.get(launch.kernel.removeprefix("batchnorm_"), 0)
    if launch.kernel.startswith("conv_staged"):
        values = 36 + (9 if launch.kernel.endswith(("filters", "dfilter")) else 16)
        return 4 * items * vector * values
    if launch.kernel == "conv_reduce":
        return 4 * words[0][0] * (words[1][0] + 1)
    return sum(word for word in words if isinstance(word, int))
