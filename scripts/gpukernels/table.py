"""The expected table: per pretended GPU a row for each kernel and its options, a column for each target."""
import re

HEAD = """What the vendors' offline compilers make of the kernels that rncl builds for pretended GPUs; written by
`scripts/check-gpu-kernels --record`. A cell: registers of a work-item (Intel: of a thread); how many warps of a multiprocessor, waves
of a SIMD unit or threads of an execution unit run together, of those that could; in kernels with a tile loop the share of its
instructions that multiply and add. A share below the one here fails the check. `--all` prints memory and widths of loads as well."""


def share(found):
    """Per cent of the tile loop's instructions that multiply and add, matrix instructions among them. None without a tile loop: a
    loop with fewer of them waits for memory."""
    loop = found["loop"]
    if not loop or (loop.get("fma", 0) < 32 and loop.get("matrix", 0) < 4):
        return None
    return int(100 * (loop.get("fma", 0) + loop.get("matrix", 0)) / loop["all"] + 0.5)


def cell(found):
    part = share(found)
    return f"{found['registers']} {found['occupancy']}" + (f" {part}%" if part is not None else "")


def short(options):
    """Options without the -D, as a table has room for."""
    return " ".join(option.removeprefix("-D") for option in options.split())


def write(path, versions, devices, rows):
    """rows: {(device, kernel, options): {target: found}}; versions: one line a compiler."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{HEAD}\n\n" + "".join(f"{line}\n" for line in versions))
        for device, targets in devices.items():
            own = {key: cells for key, cells in rows.items() if key[0] == device}
            if not own:
                continue
            table = [["kernel", "options", *targets]]
            for (_, kernel, options), cells in own.items():
                table.append([kernel, short(options) or "-", *(cell(cells[t]) if t in cells else "-" for t in targets)])
            widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
            file.write(f"\n[{device}]\n")
            for row in table:
                file.write(" | ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() + "\n")


def read(path):
    """The versions, and {(device, kernel, options, target): share or None}."""
    versions, shares, device, targets = [], {}, None, []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            columns = [column.strip() for column in line.split(" | ")]
            if match := re.fullmatch(r"\[(\w+)\]", line):
                device = match[1]
            elif device and columns[0] == "kernel":
                targets = columns[2:]
            elif device and len(columns) > 2:
                for target, text in zip(targets, columns[2:]):
                    if text != "-":
                        part = re.search(r"(\d+)%$", text)
                        shares[device, columns[0], columns[1], target] = int(part[1]) if part else None
            elif not device and re.match(r"\w+: ", line):
                versions.append(line)
    return versions, shares


def faults(found, expected, name):
    """What is wrong with one kernel; `expected`: shares by name, None where they cannot be compared."""
    if found["spills"] or found["scratch"]:
        yield f"spills {found['spills']}, scratch {found['scratch']} bytes"
    if expected is None:
        return
    if name not in expected:
        yield "not in docs/gpu/kernels.txt; --record puts it there"
    elif expected[name] is not None and (share(found) or 0) < expected[name]:
        yield f"share of multiply-adds {share(found) or 0} %, was {expected[name]} %"
