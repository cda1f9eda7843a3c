"""Registers, spills and wide loads of compiled kernels: PTX out of rncl's cache of binaries, through ptxas.

NVIDIA's driver keeps PTX as a program's binary. ptxas is another version of the compiler that the driver ends with, so that its registers are
a second opinion; the PTX is what the driver's front end has made of the kernels.
"""
import re
import shutil
import struct
import subprocess
from pathlib import Path

from benchgpu.outcome import StageSkipped
from gpukernels.nvidia import ENTRY

MAGIC = b"rnclbin1"
HEADER = struct.Struct("<8sQQQ")  # magic, bytes of key, bytes of binary, checksum
# The key is platform, device, version, driver, options and source, a line each but for the last.
OPTIONS_LINE = 4


def extract(cache, folder):
    """Writes the PTX programs of the cache into the folder, options in the first line. Returns how many there are."""
    count = 0
    for file in sorted(cache.glob("*.bin")):
        data = file.read_bytes()
        if len(data) < HEADER.size or not data.startswith(MAGIC):
            continue
        _, key_bytes, binary_bytes, _ = HEADER.unpack_from(data)
        options = data[HEADER.size:HEADER.size + key_bytes].split(b"\n")[OPTIONS_LINE].decode()
        binary = data[HEADER.size + key_bytes:HEADER.size + key_bytes + binary_bytes].rstrip(b"\0")
        if not re.search(rb"^\s*\.version\s+\d", binary, re.M):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{file.stem}.ptx").write_text(f"// {options}\n{binary.decode(errors='replace')}\n")
        count += 1
    return count


def find_ptxas():
    """On the path, of a CUDA toolkit, or the one that comes with PyTorch's Triton."""
    triton = Path("/usr/local/lib").glob("python3*/*-packages/triton/backends/nvidia/bin/ptxas")
    return shutil.which("ptxas") or next((str(file) for file in (Path("/usr/local/cuda/bin/ptxas"), *triton) if file.is_file()), None)


def body(ptx, kernel):
    """The text of one kernel; other functions in the file come before or after it."""
    begin = re.search(rf"\.entry\s+{re.escape(kernel)}\b", ptx)
    end = re.search(r"^\}", ptx[begin.start():], re.M) if begin else None
    return ptx[begin.start():begin.start() + end.end()] if end else ""


def measure(folder, result):
    """Fills in a row a kernel: registers, bytes of spills, scratch and local memory; loads of 16 bytes and FMAs as they stand in the PTX."""
    ptxas = find_ptxas()
    if not ptxas:
        raise StageSkipped("no ptxas here; `bench-gpu keep` tries it elsewhere")
    result["ptxas"] = subprocess.run([ptxas, "--version"], stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    result["kernels"], result["refused"] = [], []
    for file in sorted(folder.glob("*.ptx")):
        ptx = file.read_text()
        options = ptx.splitlines()[0][3:]
        target = re.search(r"^\s*\.target\s+(sm_\w+)", ptx, re.M)
        arch = target.group(1) if target else "sm_80"
        limit = re.search(r"-cl-nv-maxrregcount[= ](\d+)", options)
        most = [f"-maxrregcount={limit[1]}"] if limit else []
        compiled = subprocess.run([ptxas, "-v", f"-arch={arch}", *most, "-o", "/dev/null", file], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        if compiled.returncode:
            result["refused"].append({"program": file.name, "lines": compiled.stdout.splitlines()[-3:]})
        for kernel, stack, stores, loads, used, rest in ENTRY.findall(compiled.stdout):
            text, local = body(ptx, kernel), re.search(r"(\d+) bytes smem", rest)
            result["kernels"].append({
                "kernel": kernel, "options": options, "registers": int(used), "spills": int(stores) + int(loads),
                "scratch": int(stack), "local": int(local[1]) if local else 0, "global_load16": len(re.findall(r"ld\.global\S*\.v4", text)),
                "local_load16": len(re.findall(r"ld\.shared\S*\.v4", text)), "fma": len(re.findall(r"\bfma\.rn", text))})
