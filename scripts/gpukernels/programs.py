"""The programs that rncl builds for pretended GPUs (tests/gpu), network by network."""
import hashlib
import json
import os
import subprocess
import tempfile

# Options of `rncl bench`. Programs hardly depend on the batch; small ones are quickly planned.
NETWORKS = {"ResNet-18": "--arch resnet --depth 18 --batch-size 8", "ResNet-50": "--arch resnet --depth 50 --batch-size 8",
            "CIFAR ResNet-20": "--arch cifar-resnet --depth 20 --batch-size 32"}
# What each pretended GPU's programs are compiled for. Nobody compiles for `smallest`: one target of each vendor.
DEVICES = {"nvidia": ("sm_75", "sm_80", "sm_90"), "gcn": ("gfx906",), "cdna": ("gfx90a",), "rdna": ("gfx1030", "gfx1100"),
           "xe_lp": ("tgllp",), "xe_hpg": ("dg2",), "xe_hpc": ("pvc",), "smallest": ("sm_75", "gfx1030", "tgllp")}
# The same with matrix units: precisions, at which there is one, and processors that have it. Xe-HPC's for TF32 is not among them:
# Debian 12's ocloc leaves its product as a call.
UNITS = {"nvidia": (("fp32", ("sm_80", "sm_90")), ("bf16", ("sm_90",))), "cdna": (("fp32", ("gfx90a",)), ("bf16", ("gfx90a",))),
         "rdna": (("bf16-operands", ("gfx1100",)), ("bf16", ("gfx1100",))), "xe_hpg": (("bf16-operands", ("dg2",)), ("bf16", ("dg2",))),
         "xe_hpc": (("bf16-operands", ("pvc",)), ("bf16", ("pvc",)))}
# Tensors of bfloat16 without them; and the one network of which those of all are compiled.
WITHOUT_UNITS = {"gcn": ("gfx906",), "xe_hpg": ("dg2",)}
OF_BF16 = ("ResNet-50",)


def pretend(build, device, log, command, sources=None, launches=False, units=False):
    """Runs rncl on a pretended GPU that launches nothing; what it builds and launches is appended to the log, launches in one
    piece. With `units` its matrix units work."""
    layer, rncl = f"{build}/tests/gpu/libpretend_gpu.so", f"{build}/host/rncl"
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "LD_PRELOAD": layer, "XDG_DATA_HOME": data, "RNCL_PRETEND": device, "RNCL_PRETEND_LOG": log,
                       "RNCL_PRETEND_IDLE": "1",
                       # Everything is built from source, and nothing is kept: PoCL makes code only for a launch or a binary.
                       "XDG_CACHE_HOME": os.devnull,
                       # PoCL's own cache may stay: programs of one GPU are those of others.
                       "POCL_CACHE_DIR": os.environ.get("POCL_CACHE_DIR", os.path.expanduser("~/.cache/pocl/kcache"))}
        if sources:
            environment["RNCL_PRETEND_SOURCES"] = sources
        if launches:
            environment["RNCL_PRETEND_LAUNCHES"] = "1"
        if units:
            environment["RNCL_PRETEND_UNITS"] = "1"
        done = subprocess.run([rncl, *command.split(), "--max-launch-ms", "60000"], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"rncl {command} as {device}: {done.stderr.strip()[-400:]}")


def _digest(paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def programs(build, folder, bf16=tuple(DEVICES)):
    """[(device, source file, options, target)] in order of building. bf16: devices whose tensors of bfloat16 are among them."""
    result = {}
    for device, targets in DEVICES.items():
        wanted = [("fp32", False, targets)] + [(precision, True, processors) for precision, processors in UNITS.get(device, ())]
        if device in WITHOUT_UNITS:
            wanted.append(("bf16", False, WITHOUT_UNITS[device]))
        for precision, units, processors in wanted:
            if precision == "bf16" and device not in bf16:
                continue
            for source, options in _built(build, folder, device, precision, units):
                # A matrix unit is of some processors of a family, and no other compiles its probe.
                if units or "-DUNIT=" not in options:
                    result.update({(device, source, options, target): True for target in processors})
    return list(result)


def _built(build, folder, device, precision, units):
    """[(source file, options)], kept in the folder until rncl or the layer changes."""
    state = _digest([f"{build}/host/rncl", f"{build}/tests/gpu/libpretend_gpu.so"])
    sources = f"{folder}/sources"
    os.makedirs(sources, exist_ok=True)
    kept = f"{folder}/programs-{device}-{precision}{'-units' if units else ''}-{state}.json"
    if not os.path.exists(kept):
        found = {}
        for network in [NETWORKS[name] for name in (OF_BF16 if precision == "bf16" else NETWORKS)]:
            with tempfile.NamedTemporaryFile("r", encoding="utf-8") as log:
                pretend(build, device, log.name, f"bench {network} --steps 1 --precision {precision}", sources, units=units)
                for row in log:
                    _, _, name, *options = row.split()
                    found[f"{sources}/{name}.cl", " ".join(options)] = True
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(list(found), file)
    with open(kept, encoding="utf-8") as file:
        return json.load(file)
