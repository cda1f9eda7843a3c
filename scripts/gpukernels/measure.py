"""Measures kernels, several at a time, and keeps the results: compiling everything takes minutes."""
import concurrent.futures
import hashlib
import json
import os
import tempfile
import threading

from gpukernels import amd, intel, nvidia
from gpukernels.toolchain import vendor_of

COMPILERS = {"nvidia": nvidia, "amd": amd, "intel": intel}


def _code(vendor):
    """What measures: results of other code are not this code's."""
    digest = hashlib.sha256()
    for name in ("listing", "toolchain", vendor):
        with open(os.path.join(os.path.dirname(__file__), f"{name}.py"), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


# Read when the modules are, so that an edit while they run does not count.
CODE = {vendor: _code(vendor) for vendor in COMPILERS}


def _key(tools, source, options, target):
    vendor = vendor_of(target)
    with open(source, "rb") as file:
        digest = hashlib.sha256(file.read())
    digest.update("\0".join([options, target, tools.version(vendor), CODE[vendor]]).encode())
    return digest.hexdigest()[:32]


def measure(tools, source, options, target, keep=None):
    """Measures every kernel of a source file: {kernel: {name: number}}; raises ValueError where a compiler fails."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.join(keep, target) if keep else temporary
        os.makedirs(folder, exist_ok=True)
        found = COMPILERS[vendor_of(target)].compile_kernel(tools, os.path.abspath(source), options, target, folder)
    if not found:  # such as of a file that somebody is just writing
        raise ValueError(f"{source}: no kernels")
    return found


def measure_all(tools, work, folder, jobs):
    """Yields (item, {kernel: numbers} or the message of a compiler) for [(…, source, options, target)], in order."""
    os.makedirs(f"{folder}/results", exist_ok=True)

    def one(item):
        path = f"{folder}/results/{_key(tools, *item[-3:])}.json"
        if not os.path.exists(path):
            try:
                found = measure(tools, *item[-3:])
            except ValueError as error:
                return item, str(error)
            # Two GPUs may build the same program, and two threads compile it.
            part = f"{path}.{os.getpid()}.{threading.get_ident()}"
            with open(part, "w", encoding="utf-8") as file:
                json.dump(found, file)
            os.replace(part, path)
        with open(path, encoding="utf-8") as file:
            return item, json.load(file)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, work)
