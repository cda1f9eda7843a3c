"""Draws what rncl has drawn, from the same files, with matplotlib, and puts the two side by side.

    python3 scripts/compareplots FOLDER PICTURES

scripts/compare-plots fills FOLDER. One PNG for each kind of picture: rncl on the left, matplotlib on the right.
"""
import csv
import io
import json
import pathlib
import re
import struct
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 640, 460  # pixels that each side fits into
GAP = 20  # between them
MOST_BARS = 40


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(rows, name):
    return np.array([float(row[name] or "nan") for row in rows])


def read_first_layer(path):
    """The filters of conv1 in a safetensors file: [filters, channels, rows, columns]."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8 : 8 + length])["conv1.weight"]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    return np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])


def beside(ours, figure, path):
    """Saves a picture of rncl's and a figure side by side."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150, bbox_inches="tight")
    plt.close(figure)
    sides = [Image.open(ours).convert("RGB"), Image.open(buffer).convert("RGB")]
    for side, image in enumerate(sides):
        scale = min(WIDTH / image.width, HEIGHT / image.height)
        sides[side] = image.resize((round(image.width * scale), round(image.height * scale)), Image.LANCZOS)
    both = Image.new("RGB", (sides[0].width + GAP + sides[1].width, max(side.height for side in sides)), "white")
    both.paste(sides[0], (0, 0))
    both.paste(sides[1], (sides[0].width + GAP, 0))
    both.quantize(128).save(path, optimize=True)
    print(path)


def curves(folder):
    metrics, steps = read_csv(folder / "run/metrics.csv"), read_csv(folder / "run/steps.csv")
    figure, axes = plt.subplots(figsize=(5.6, 4))
    loss = column(steps, "loss")
    width = max(1, len(loss) // 100)
    axes.plot(column(steps, "step")[width - 1 :], np.convolve(loss, np.ones(width) / width, "valid"), color="C1", alpha=0.4,
              label="steps, smoothed")
    axes.plot(column(metrics, "step"), column(metrics, "train_loss"), color="C1", label="training")
    axes.plot(column(metrics, "step"), column(metrics, "val_loss"), color="C0", linewidth=2.6, label="validation")
    lr = column(steps, "lr")
    for step in np.flatnonzero(lr[1:] <= 0.5 * lr[:-1]):
        axes.axvline(step + 2, color="0.6", linestyle="--", linewidth=1)
    best = np.nanargmin(column(metrics, "val_loss"))
    axes.plot(column(metrics, "step")[best], column(metrics, "val_loss")[best], "o", mfc="none", mec="black")
    if np.nanmin(loss) * 100 < np.nanmax(loss):
        axes.set_yscale("log")
    share = column(metrics, "epoch")[-1] / column(metrics, "step")[-1]
    axes.secondary_xaxis("top", functions=(lambda x: x * share, lambda x: x / share)).set_xlabel("epochs")
    axes.set(xlabel="iterations", ylabel="loss", title="loss")
    axes.legend()
    return figure


def confusion(folder):
    with open(folder / "report/confusion.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names, counts = rows[0][1:], np.array([[int(cell) for cell in row[1:]] for row in rows[1:]])
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(6, 5.4))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, label="% of the true class")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class",
             title=f"top-1 {100 * counts.trace() / counts.sum():.2f} % of {counts.sum()} pictures")
    for (row, place), count in np.ndenumerate(counts):
        if count:
            axes.text(place, row, f"{shares[row, place]:.0f} %\n{count}", ha="center", va="center", fontsize=6,
                      color="white" if shares[row, place] > 55 else "black")
    return figure


def filters(folder):
    weights = read_first_layer(folder / "run/best.safetensors")
    columns = max(8, int(np.ceil(np.sqrt(len(weights)))))
    figure, tiles = plt.subplots(-(-len(weights) // columns), columns, figsize=(5, 1.6), squeeze=False)
    for tile in tiles.flat:
        tile.axis("off")
    for index, (tile, weight) in enumerate(zip(tiles.flat, weights)):
        low, high = weight.min(), weight.max()
        tile.imshow((weight.transpose(1, 2, 0) - low) / (high - low))
        tile.set_title(str(index), fontsize=7)
    figure.suptitle("conv1.weight")
    return figure


def tuning(folder):
    results = json.loads((folder / "run/tuning.json").read_text(encoding="utf-8"))["results"]
    results = sorted((r for r in results if "time_ns" in r), key=lambda r: -r["time_ns"])[:MOST_BARS]
    figure, axes = plt.subplots(figsize=(7, 0.22 * len(results) + 1))
    kinds = list(dict.fromkeys(r["algorithm"] or "the only algorithm" for r in results))
    for index, kind in enumerate(kinds):
        rows = [i for i, r in enumerate(results) if (r["algorithm"] or "the only algorithm") == kind]
        axes.barh(rows, [results[i]["time_ns"] / 1e6 for i in rows], color=f"C{index}", label=kind)
    axes.plot([r.get("preset_ns", np.nan) / 1e6 for r in results], range(len(results)), "|", color="black", label="preset")
    axes.set_yticks(range(len(results)), [r["problem"] for r in results], fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="ms", title="tuned passes")
    axes.legend()
    return figure


def roofline(folder):
    text = (folder / "roofline.txt").read_text(encoding="utf-8")
    peak, bandwidth = map(float, re.search(r"device peak +([\d.]+) GFLOP/s, reads ([\d.]+) GB/s", text).groups())
    kinds = {"products, forward": [], "products, backward": [], "no products": []}
    for line in text.splitlines():
        cells = line.split()
        if not cells or cells[-1] != "%":
            continue
        if len(cells) == 9:  # layer, pass, ms, FLOP/B, GFLOP/s, GB/s, bound by, of roof, %
            intensity, speed = float(cells[3]), float(cells[4])
            kinds["products, forward" if cells[1] == "forward" else "products, backward"].append((intensity, speed))
        elif len(cells) == 7:
            kinds["no products"].append((0.5, 0.5 * float(cells[3])))
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    for index, (kind, points) in enumerate(kinds.items()):
        if points:
            axes.loglog(*zip(*points), "o", markersize=4, color=f"C{index}", label=kind)
    limits = np.array(axes.get_xlim())
    places = np.geomspace(*limits, 200)
    axes.loglog(places, np.minimum(peak, places * bandwidth), color="black", linewidth=2)
    axes.set(xlabel="operations a byte that must be moved", ylabel="GFLOP/s, by the direct method", title="roofline")
    axes.grid(True, which="both", color="0.9")
    axes.legend()
    return figure


def lr_find(folder):
    rows = read_csv(folder / "lr-find/lr-find.csv")
    figure, axes = plt.subplots(figsize=(5.6, 4))
    axes.semilogx(column(rows, "lr"), column(rows, "loss"), color="C1", alpha=0.4, label="steps")
    axes.semilogx(column(rows, "lr"), column(rows, "smoothed"), linewidth=2.6, label="smoothed")
    first, least = column(rows, "smoothed")[0], column(rows, "smoothed").min()
    axes.set_ylim(least - 0.5 * (first - least), first + max(0.5 * (first - least), 0.1 * first))
    axes.set(xlabel="learning rate", ylabel="loss", title="learning rate range test")
    axes.legend()
    return figure


def sweep(folder):
    rows = sorted(read_csv(folder / "sweep/sweep.csv"), key=lambda row: -float(row["best_top1"] or 0))
    errors = 100 - column(rows, "best_top1")
    figure, axes = plt.subplots(figsize=(6, 0.3 * len(rows) + 1))
    axes.barh(range(len(rows)), errors)
    for index, error in enumerate(errors):
        if np.isfinite(error):
            axes.text(error, index, f" {error:.2f} %", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row["run"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="best validation error (%)", title=f"{len(rows)} runs")
    return figure


PAIRS = {
    "loss": ("loss.png", curves),
    "confusion": ("report/confusion.png", confusion),
    "filters": ("filters.png", filters),
    "tuning": ("tuning.png", tuning),
    "roofline": ("roofline.png", roofline),
    "lr-find": ("lr-find/lr-find.png", lr_find),
    "sweep": ("sweep/sweep.png", sweep),
}


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: python3 scripts/compareplots FOLDER PICTURES")
    folder, pictures = map(pathlib.Path, sys.argv[1:])
    for name, (ours, draw) in PAIRS.items():
        beside(folder / ours, draw(folder), pictures / f"compare-{name}.png")


if __name__ == "__main__":
    main()
