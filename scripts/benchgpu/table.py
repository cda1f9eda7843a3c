"""Results as text: a line a stage, speed beside PyTorch's, and where the time goes."""
import collections
import json

# Rows of a step's time by kind of layer.
LARGEST = 12
# PyTorch's, as torch_steps.py names them.
MODES = ("fp32", "tf32", "bf16")


def bench_text(result):
    step = result["step_ms"]["median"]
    return (f"{result['images_per_second']:.1f} images/s, {step:.1f} ms a step, compiled in {result['compile_ms'] / 1e3:.1f} s, "
            f"tuning: {result['tuning']}")


# What to say of a stage that is done, by the first word of its name.
TEXTS = {
    "devices": lambda result: f"{len(result['devices'])} found",
    "bits": lambda result: "two trainings are the same to the bit",
    "check": lambda result: f"{result['passed']} passed, {result['failed']} failed, worst error {result['worst']:.2f} of its tolerance",
    "bench": bench_text,
    "tuned": bench_text,
    "train": lambda result: f"{result['best_top1']:.2f} % after {result['seconds']:.0f} s, {result['images_per_second']:.0f} images/s",
    "pytorch": lambda result: f"PyTorch {result['torch']}, {len(result['rows'])} measurements",
    "tune": lambda result: f"{result['tuned']} of {result['problems']} kernels, {result['preset_ms']:.2f} to {result['ms']:.2f} ms",
    "registers": lambda result: f"{len(result['kernels'])} kernels of {result['programs']} programs",
}


def stage_line(stage):
    if stage["status"] == "done":
        text = TEXTS[stage["name"].split("-")[0]](stage["result"])
    else:
        text = f"{stage['status']}: {stage['reason']}"
    return f"{stage['seconds']:6.1f} s  {stage['name']:32s} {text}"


def results(report, name):
    """A stage's result if it is done, else None."""
    return next((stage["result"] for stage in report["stages"] if stage["name"] == name and stage["status"] == "done"), None)


def torch_speeds(report):
    """Images/s by (network, batch) and mode, of the faster memory layout; rows count even if the stage failed later."""
    speeds = collections.defaultdict(dict)
    for stage in report["stages"]:
        for row in stage["result"].get("rows", []) if stage["name"] == "pytorch" else []:
            modes = speeds[row["network"], row["batch"]]
            modes[row["mode"]] = max(modes.get(row["mode"], 0.0), row.get("images_per_second", 0.0))
    return speeds


def speed_table(report):
    """A row for each network and batch that rncl was benched with, and ratios."""
    speeds = torch_speeds(report)
    lines = [f"{'images/s':32s} {'rncl':>9s} | PyTorch {'fp32':>9s} {'tf32':>9s} {'bf16':>9s} | rncl/fp32 rncl/tf32 rncl/bf16"]
    for stage in report["stages"]:
        kind, *parts = stage["name"].split("-", 3)  # then network, batch and, for some, precision
        if kind not in ("bench", "tuned") or stage["status"] != "done":
            continue
        ours, theirs = stage["result"]["images_per_second"], speeds.get((parts[0], int(parts[1][1:])), {})
        speed = " ".join(f"{theirs[mode]:9.1f}" if theirs.get(mode) else f"{'-':>9s}" for mode in MODES)
        ratio = " ".join(f"{ours / theirs[mode]:9.2f}" if theirs.get(mode) else f"{'-':>9s}" for mode in MODES)
        lines.append(f"{stage['name']:32s} {ours:9.1f} |         {speed} | {ratio}")
    return lines if len(lines) > 1 else []


def layer_table(name, result):
    """A step's time by operation, pass and algorithm."""
    times = collections.defaultdict(lambda: [0.0, 0.0])
    for layer in result["layers"]:
        entry = times[layer["op"], layer["pass"], layer["algorithm"]]
        entry[0] += layer["ms"]
        entry[1] += (layer["gflops"] or 0.0) * layer["ms"]
    whole_ms = sum(ms for ms, _ in times.values()) or 1.0
    lines = [f"{name}: {whole_ms:.2f} ms in kernels; measured peak {result['peak_gflops'] / 1e3:.2f} TFLOP/s, "
             f"{result['peak_bandwidth_gbs']:.0f} GB/s"]
    for key, (ms, work) in sorted(times.items(), key=lambda item: -item[1][0])[:LARGEST]:
        rate = f"{work / ms / 1e3:8.2f} TFLOP/s" if work and ms else ""
        lines.append(f"  {' '.join(filter(None, key)):44s} {ms:9.3f} ms {100 * ms / whole_ms:5.1f} % {rate}")
    return lines


def register_table(result):
    bad = [kernel for kernel in result["kernels"] if kernel["spills"] or kernel["scratch"]]
    lines = [f"registers: {len(bad)} of {len(result['kernels'])} kernels have spills or scratch, {len(result['refused'])} programs refused"]
    return lines + [f"  {kernel['kernel']} ({kernel['options']}): {kernel['registers']} registers, {kernel['spills']} bytes spilled, "
                    f"{kernel['scratch']} of scratch" for kernel in bad]


def whole(report):
    device = report["device"] or {"name": "no device", "driver": "-"}
    blocks = [[f"{device['name']}, driver {device['driver']}, rncl {report['bundle']['commit']}, {report['date']}, {report['seconds']:.0f} s"
               + (", quick: the figures mean nothing" if report["quick"] else "")],
              [stage_line(stage) for stage in report["stages"]], speed_table(report)]
    for name in ("bench-resnet50-b64", "tuned-resnet50-b64"):
        result = results(report, name)
        blocks.append(layer_table(name, result) if result else [])
    result = results(report, "registers")
    blocks.append(register_table(result) if result else [])
    for stage in report["stages"]:
        if stage.get("last_lines"):
            blocks.append([f"{stage['name']}:", *(f"  {line}" for line in stage["last_lines"])])
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"


def main(arguments):
    print("\n".join(whole(json.loads(file.read_text())) for file in arguments.files), end="")
    return 0
