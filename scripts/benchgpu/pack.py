"""Lays a bundle: rncl, the libraries that other machines may lack, a Python for those without, data, tuning and configs."""
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DATASET = Path("/usr/share/datasets/fashion-mnist")
# Optional modules that need large libraries; without OpenSSL hashlib has its own SHA-256.
LEFT_OUT = ("_hashlib", "_bz2", "_lzma")
# Parts of the C library: they belong to the other machine's loader.
C_LIBRARY = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.\d+")


def libraries(programs):
    """What the loader finds for the programs, without the C library: {name: path}."""
    found = {}
    for program in programs:
        printed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
        for name, path in re.findall(r"^\s*(\S+) => (/\S+)", printed, re.M):
            if not C_LIBRARY.fullmatch(name):
                found[name] = Path(path)
    return found


def needed_glibc(program):
    """The newest version of glibc that the program itself asks for."""
    return "%d.%d" % max((int(major), int(minor)) for major, minor in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", program.read_bytes()))


def copy_python(target):
    """This interpreter with the modules that this program has loaded. Returns its executables and extension modules."""
    library = Path(sysconfig.get_path("stdlib"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    files = {Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    files |= set((library / "encodings").glob("*.py"))
    binaries = [target / "bin/python3"]
    for file in files:
        if library not in file.parents or file.name.split(".")[0] in LEFT_OUT:
            continue
        place = target / "lib" / version / file.relative_to(library)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
        if file.suffix == ".so":
            binaries.append(place)
    (target / "lib" / version / "lib-dynload").mkdir(exist_ok=True)  # without it Python warns
    binaries[0].parent.mkdir()
    shutil.copy(Path(sys.executable).resolve(), binaries[0])
    return binaries


def commit():
    def git(*arguments):
        return subprocess.run(["git", "-C", REPOSITORY, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + ("+changes" if git("status", "--porcelain", "-uno") else "")


def release_build():
    """rncl as the checkout has it, so that the commit in the bundle is the program's."""
    folder = REPOSITORY / "build/release"
    if not (folder / "CMakeCache.txt").is_file():
        raise ValueError("no release build; cmake --preset release && cmake --build --preset release")
    subprocess.run(["cmake", "--build", folder, "--target", "rncl"], stdout=subprocess.DEVNULL, check=True)
    return folder / "host/rncl"


def main(arguments):
    bundle = arguments.folder
    rncl = arguments.rncl or release_build()
    if bundle.exists():
        # Only what this command has made is deleted.
        if not (bundle / "bundle.json").is_file():
            raise ValueError(f"{bundle} is there and is no bundle; name another folder")
        shutil.rmtree(bundle)
    for folder in ("bin", "lib", "share/rncl"):
        (bundle / folder).mkdir(parents=True)
    (bundle / "bundle.json").write_text("{}\n")
    shutil.copy(rncl, bundle / "bin/rncl")
    shutil.copytree(REPOSITORY / "tuning", bundle / "share/rncl/tuning")
    shutil.copytree(REPOSITORY / "configs", bundle / "configs")
    shutil.copy(REPOSITORY / "scripts/bench-gpu", bundle)
    for package in ("benchgpu", "gpukernels"):
        shutil.copytree(REPOSITORY / "scripts" / package, bundle / package, ignore=shutil.ignore_patterns("__pycache__"))
    programs = [bundle / "bin/rncl", *copy_python(bundle / "python")]
    for name, path in libraries(programs).items():
        shutil.copy(path, bundle / "lib" / name)
    if DATASET.is_dir():
        shutil.copytree(DATASET, bundle / "data")
    else:
        print(f"no {DATASET} (Debian: dataset-fashion-mnist): the bundle will not train on Fashion-MNIST", file=sys.stderr)
    glibc = needed_glibc(bundle / "bin/rncl")
    made = {"commit": commit(), "packed": time.strftime("%Y-%m-%d", time.gmtime()), "glibc": glibc}
    (bundle / "bundle.json").write_text(json.dumps(made, indent=1) + "\n")
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    print(f"{bundle}: {size / 2**20:.1f} MiB, for Linux with glibc {glibc} or newer; there: {bundle.name}/bench-gpu run")
    return 0
