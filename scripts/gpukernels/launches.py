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
    def element(self):
        """Bytes of a value of an activation or of its gradient."""
        return 2 if re.search(r"-D[BF][FP]16\b", self.options) else 4

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
    bytes: int


def step(build, device, command, folder, units=False):
    """The launches from one update to the next: a step."""
    built, found, updates = {}, [], []
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as log:
        pretend(build, device, log.name, f"bench {command} --steps 2", folder, launches=True, units=units)
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
    """What a launch of a convolution in tiles computes; None for other kernels."""
    if launch.kernel not in ("conv_tiled", "conv_mma"):
        return None
    n, h, w, c, r, s, stride, _, _, p, q, k = launch.shape[:12]
    if launch.kernel == "conv_mma":
        dfilter, batch, z = launch.knob("PASS") == 2, launch.shape[20], launch.size[2] // launch.group[2]
    else:
        dfilter, batch, z = launch.knob("DFILTER", 0), launch.arguments[2][0], launch.size[1] // launch.group[1]
    rows, columns, depth = (r * s * c, k, n * p * q) if dfilter else (n * p * q, k, r * s * c)
    kind = "Winograd products" if batch > 1 else f"{r}x{s}" + (f"/{stride}" if stride > 1 else "")
    shares = max(z // batch, 1)
    # On matrix units the filter has been rounded to elements; partial sums are floats.
    image, filter_bytes = launch.element, launch.element if launch.kernel == "conv_mma" and not dfilter else 4
    tensors = [image * n * h * w * c, filter_bytes * r * s * c * k, image * n * p * q * k]
    result, summand = tensors[1 if dfilter else 2], 4 * (r * s * c * k if dfilter else n * p * q * k)
    accumulate = 5 if launch.kernel == "conv_mma" else 9
    added_to = launch.arguments[accumulate:accumulate + 1] == [[1]]
    summed = launch.knob("GRADIENT_SUMS", 0)  # reads the batch normalisation's x, and its signs
    if summed and launch.knob("SIGNS_VW", 0):
        summed += 1 / (image * launch.knob("SIGNS_VW"))
    written = result * (1 + added_to + summed) if shares == 1 else summand * shares
    moved = round(batch * (sum(tensors) - result + written))
    return Product(f"conv {'filter gradient' if dfilter else 'forward, input gradient'} {kind}", rows, columns, depth, batch, shares, moved)


# What a convolution in tiles does only where an argument is set: (its index, in the source, in its place where it is not).
_OPTIONAL = {"conv_tiled": ((8, "if (statistics)", "if (0)"), (9, "accumulate ?", "0 ?")),
             "conv_mma": ((4, "if (statistics)", "if (0)"), (5, "accumulate ?", "0 ?"))}


def source_taken(launch):
    """The launch's source, of a convolution in tiles without what its arguments rule out: a copy beside it."""
    left_out = [change for change in _OPTIONAL.get(launch.kernel, ()) if launch.arguments[change[0]] in ([0], [0, 0])]
    if not left_out:
        return launch.source
    with open(launch.source, encoding="utf-8") as file:
        text = file.read()
    for _, there, instead in left_out:
        if there not in text:
            raise ValueError(f"{launch.source}: no {there}")
        text = text.replace(there, instead)
    path = launch.source.removesuffix(".cl") + "".join(f"-{index}" for index, _, _ in left_out) + ".cl"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def moved_bytes(launch):
    """Bytes that the launch of any other kernel reads and writes, each once."""
    vector, words = launch.knob("VW"), launch.arguments
    items = math.prod(launch.size)
    if launch.kernel.startswith("batchnorm"):
        x = launch.element * math.prod(launch.shape[:4])
        residual, signs = launch.knob("RESIDUAL", 0) == 1, launch.knob("SIGNS", 0) / (launch.element * vector)
        masks = signs if signs else residual
        given = launch.knob("GIVEN_SUMS", 0)  # gradient masks dy and stores it
        tensors = {"statistics": 1, "apply": 2 + residual + signs, "gradient_sums": 2 + residual + masks,
                   "gradient": 3 + given * (residual + masks)}
        return x * tensors.get(launch.kernel.removeprefix("batchnorm_"), 0)
    if launch.kernel.startswith("conv_staged"):
        shares, tiles = 1, 1
        values = 4 * 9 if launch.kernel.endswith(("filters", "dfilter")) else launch.element * 16
        if launch.kernel == "conv_staged_dfilter":
            shares = words[1][0]
        if launch.kernel == "conv_staged_outputs":
            tiles = words[6][0]
            values += launch.element * 16 * launch.knob("GRADIENT_SUMS", 0)  # the batch normalisation's x
        return items * vector * tiles * (4 * 36 * shares + values)
    if launch.kernel == "conv_reduce":
        return words[0][0] * (4 * words[1][0] + (launch.element if launch.knob("OF_IMAGES", 0) else 4))
    if launch.kernel == "conv_round_filter":
        return words[0][0] * (4 + 2)
    return sum(word for word in words if isinstance(word, int))
