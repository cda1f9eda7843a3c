"""The stages of a run, in their order: what is worth most comes first, and nothing is tuned before it was measured."""
import hashlib
import json
import shutil
from pathlib import Path
from typing import Callable, NamedTuple

from benchgpu import registers
from benchgpu.networks import NETWORKS
from benchgpu.outcome import StageFailed, StageSkipped

# Of Fashion-MNIST's test pictures, in percent; configs/fashion-mnist.ini reaches nearly 92.
ENOUGH_TOP1 = 91.0


class Stage(NamedTuple):
    name: str
    limit_s: float
    function: Callable  # of a Run, a dict for the result, which counts also if the stage fails, and the arguments
    arguments: tuple = ()
    needs_device: bool = True


def devices(run, result):
    """All devices, and the one to measure: --device, else the first GPU."""
    status, printed = run.rncl("devices", "--json")
    if status != 0:
        raise StageFailed(f"rncl devices ended with status {status}", run.said)
    result["devices"] = json.loads(printed)["devices"]
    result["verbose"] = run.rncl("devices", "--verbose")[1].splitlines()
    wanted = run.device
    for device in result["devices"]:
        names = f"{device['name']} {device['platform']}".lower()
        if device["type"] == "gpu" if wanted is None else wanted == str(device["number"]) or wanted.lower() in names:
            run.device = str(device["number"])
            run.report["device"] = device
            return
    raise StageFailed(f"no {'GPU' if wanted is None else wanted} among {len(result['devices'])} devices",
                      [f"{device['number']} {device['name']} ({device['type']})" for device in result["devices"]])


def check(run, result):
    """Every kernel and variant against the reference; errors are in units of their tolerance."""
    options = ["--shapes", 1, "--operation", "softmax"] if run.quick else ["--shapes", 2]
    checked = run.rncl_json("check", *options, allowed=(7,))
    failures = [one for one in checked["checks"] if not one["ok"]]
    result.update(passed=checked["passed"], failed=checked["failed"], failures=failures[:20])
    result["worst"] = max((one["error"] / one["tolerance"] for one in checked["checks"] if one["error"] is not None and one["tolerance"]),
                          default=0.0)
    if checked["failed"]:
        raise StageFailed(f"{checked['failed']} results are wrong", [one["name"] for one in failures[:12]])


def bits(run, result):
    """Two short trainings on the built-in pictures; whether losses and weights are the same to the bit."""
    options = ["--depth", 8, "--batch-size", 8, "--steps", 3] if run.quick else ["--depth", 20, "--batch-size", 128, "--steps", 40]
    for name in ("first", "second"):
        folder = run.work / name
        run.rncl_json("train", "--arch", "cifar-resnet", "--image", 32, *options, "--out", folder)
        result[name] = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in ("steps.csv", "model.safetensors")}
    if result["first"] != result["second"]:
        raise StageFailed("two trainings differ")


def bench(run, result, name, batch, precision=None):
    """Full training steps on random data, and every layer's time."""
    network = NETWORKS[name]
    if precision and "--precision" not in run.rncl("bench", "--help")[1]:
        raise StageSkipped("this rncl has no --precision")
    options = ["--arch", network.arch, "--depth", network.depth]
    options += ["--batch-size", 2, "--image", network.quick_image, "--steps", 2] if run.quick else ["--batch-size", batch, "--steps", 10]
    result.update(run.rncl_json("bench", *options, *(["--precision", precision] if precision else [])))


def train(run, result):
    """Fashion-MNIST by its recipe."""
    if not (run.bundle / "data").is_dir():
        raise StageSkipped("the bundle has no Fashion-MNIST")
    steps = ["--steps", 5] if run.quick else []
    result.update(run.rncl_json("train", "--config", run.bundle / "configs/fashion-mnist.ini", "--data", run.bundle / "data",
                                "--out", run.work / "fashion-mnist", *steps))
    if not run.quick and result["best_top1"] < ENOUGH_TOP1:
        raise StageFailed(f"{result['best_top1']:.2f} % is less than {ENOUGH_TOP1:g} %")


def torch_python(run):
    """The first Python that has PyTorch: the one of the caller's PATH may be another than that of this program."""
    for python in filter(None, (shutil.which("python3"), shutil.which("python"), "/usr/bin/python3")):
        if Path(python).is_file() and run.command(python, "-c", "import torch", environment=run.torch_environment)[0] == 0:
            return python
    raise StageSkipped("no Python with PyTorch")


def pytorch(run, result):
    """The same steps by PyTorch, in float32 with and without TF32 and in bfloat16; each row counts as soon as it is there."""
    python = torch_python(run)
    script = Path(__file__).with_name("torch_steps.py")
    status, printed = run.command(python, "-B", script, *(["--quick"] if run.quick else []), environment=run.torch_environment)
    head, *rows = [json.loads(line) for line in printed.splitlines()] or [{}]
    result.update(head, rows=rows)
    if not run.quick and head.get("device") == "cpu":
        raise StageSkipped("PyTorch sees no GPU")
    if status != 0:
        raise StageFailed("PyTorch took too long" if status is None else f"PyTorch ended with status {status}", run.said)


def tune(run, result):
    """A minute of tuning; the file counts also if the time was too short for all of it."""
    options = ["--arch", "cifar-resnet", "--depth", 8, "--batch-size", 2, "--budget", 3] if run.quick else \
        ["--depth", 50, "--batch-size", 64, "--budget", 60]
    try:
        tuned = run.rncl_json("tune", *options)
        result.update({key: tuned[key] for key in ("preset_ms", "ms", "gain")})
        result.update(problems=len(tuned["problems"]), tuned=sum(problem["tuned"] for problem in tuned["problems"]))
    finally:
        folder = run.work / "data/rncl/tuning"
        if folder.is_dir():
            shutil.copytree(folder, run.out / "tuning", dirs_exist_ok=True)
            result["files"] = sorted(file.name for file in folder.iterdir())


def compiled(run, result):
    """Registers and spills of the kernels, where the driver's binaries are PTX. The PTX is kept for another try elsewhere."""
    folder = run.out / "programs"
    result["programs"] = registers.extract(run.work / "cache/rncl", folder)
    if not result["programs"]:
        raise StageSkipped("the driver's binaries are not PTX")
    registers.measure(folder, result)


STAGES = (
    Stage("devices", 30, devices, needs_device=False),
    Stage("bits", 60, bits),
    Stage("bench-resnet50-b64", 75, bench, ("resnet50", 64)),
    Stage("bench-resnet18-b64", 45, bench, ("resnet18", 64)),
    Stage("bench-resnet20-b128", 30, bench, ("resnet20", 128)),
    Stage("bench-resnet50-b64-tf32", 60, bench, ("resnet50", 64, "tf32")),
    Stage("bench-resnet50-b64-bf16-operands", 60, bench, ("resnet50", 64, "bf16-operands")),
    Stage("check", 120, check),
    Stage("train", 90, train),
    Stage("pytorch", 120, pytorch, needs_device=False),
    Stage("bench-resnet50-b128", 45, bench, ("resnet50", 128)),
    Stage("bench-resnet18-b128", 45, bench, ("resnet18", 128)),
    Stage("tune", 80, tune),
    Stage("tuned-resnet50-b64", 60, bench, ("resnet50", 64)),
    Stage("registers", 60, compiled),
)
