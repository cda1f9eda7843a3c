"""What the machine at hand is, and the environment in which rncl runs there."""
import glob
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

# Drivers that are installed without being registered, as in containers, and where they are then.
DRIVERS = ("libnvidia-opencl.so.1", "libamdocl64.so", "libigdrcl.so")
DRIVER_FOLDERS = ("/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu/*/",
                  "/usr/lib64", "/usr/lib", "/usr/lib/wsl/lib", "/opt/rocm*/lib")
VENDORS = Path("/etc/OpenCL/vendors")
LOADER = "libOpenCL.so.1"


def describe():
    """Operating system, processor, and what nvidia-smi says where there is one."""
    told = {"system": platform.platform(), "glibc": glibc(), "processor": processor(), "processors": os.cpu_count()}
    if shutil.which("nvidia-smi"):
        asked = "name,driver_version,compute_cap,clocks.max.sm,power.limit"
        try:
            printed = subprocess.run(["nvidia-smi", f"--query-gpu={asked}", "--format=csv,noheader"], stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True, timeout=20)
            told["nvidia-smi"] = printed.stdout.splitlines()
        except (OSError, subprocess.TimeoutExpired) as error:
            told["nvidia-smi"] = [str(error)]
    return told


def processor():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def glibc():
    """The version of the C library, such as 2.36, or None."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION").split()[1]
    except (AttributeError, IndexError, OSError, ValueError):
        return None


def inherited_environment(bundle):
    """The caller's, without what bench-gpu has set for the bundle's Python."""
    environment = dict(os.environ)
    if environment.get("PYTHONHOME") == str(bundle / "python"):
        del environment["PYTHONHOME"]
        paths = [path for path in environment["LD_LIBRARY_PATH"].split(":") if path != str(bundle / "lib")]
        environment["LD_LIBRARY_PATH"] = ":".join(paths)
    return environment


def installed_drivers():
    found = []
    for driver in DRIVERS:
        places = [place for folder in DRIVER_FOLDERS for place in sorted(glob.glob(os.path.join(folder, driver)))]
        found += map(Path, places[:1])
    return found


def register_drivers(environment, folder):
    """Where drivers are not registered, makes a folder of registrations with them in it. Returns them."""
    drivers = [] if "OCL_ICD_VENDORS" in environment else installed_drivers()
    for driver in drivers:  # they load their other parts by name
        environment["LD_LIBRARY_PATH"] = ":".join(filter(None, (environment.get("LD_LIBRARY_PATH"), str(driver.parent))))
    registered = "".join(file.read_text(errors="replace") for file in VENDORS.glob("*.icd"))
    added = [driver for driver in drivers if driver.name.split(".so")[0] not in registered]
    if added:
        folder.mkdir()
        for file in VENDORS.glob("*.icd"):
            shutil.copy(file, folder)
        for driver in added:
            (folder / f"{driver.name}.icd").write_text(f"{driver}\n")
        environment["OCL_ICD_VENDORS"] = str(folder)
    return [str(driver) for driver in added]


def lacking_libraries(program, environment):
    """Names of the libraries that the loader does not find."""
    traced = subprocess.run([program], env={**environment, "LD_TRACE_LOADED_OBJECTS": "1"}, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    return set(re.findall(r"^\s*(\S+) => not found", traced.stdout, re.M))


def starts(program, environment):
    tried = subprocess.run([program, "version"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tried.returncode == 0


def provide_libraries(program, bundled, environment, folder, always=()):
    """Puts into `folder` the bundled libraries that the machine lacks. The machine's own come first, since its
    drivers may need newer ones than the bundle has. Where the program does not start with them, being older than it
    needs, it gets all of the bundle's. Returns the names of those that come from the bundle."""
    folder.mkdir()
    environment["LD_LIBRARY_PATH"] = ":".join(filter(None, (str(folder), environment.get("LD_LIBRARY_PATH"))))

    def link(names):
        for name in names:
            (folder / name).symlink_to((bundled / name).resolve())

    def bundled_names(names):
        return {name for name in names if (bundled / name).is_file() and not (folder / name).is_symlink()}

    link(bundled_names(always))
    # What a lacking library lacks itself is known when it is there.
    while lacking := bundled_names(lacking_libraries(program, environment)):
        link(lacking)
    if not starts(program, environment):
        link(bundled_names(file.name for file in bundled.iterdir()))
    return sorted(file.name for file in folder.iterdir())


def rncl_environment(bundle, work):
    """Returns the environment, in which rncl keeps all its files under `work`, and what was done for it."""
    environment = inherited_environment(bundle)
    environment.update(XDG_CACHE_HOME=str(work / "cache"), XDG_DATA_HOME=str(work / "data"), LC_ALL="C")
    drivers = register_drivers(environment, work / "vendors")
    # Loaders of drivers may be too old for OCL_ICD_VENDORS.
    libraries = provide_libraries(bundle / "bin/rncl", bundle / "lib", environment, work / "lib", [LOADER] if drivers else [])
    return environment, {"drivers_registered": drivers, "libraries_of_the_bundle": libraries}
