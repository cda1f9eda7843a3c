"""Intel: ocloc to a kernel binary, iga64 to text; scratch and private memory from the binary's patch tokens."""
import os
import re

from gpukernels.listing import Instruction, Listing, mix, tile_loop

# The assembler's name of the architecture, and bytes of a register.
PLATFORMS = {"tgllp": ("gen12p1", 32), "dg2": ("xehpg", 32), "pvc": ("xehpc", 64)}
# Patch tokens (igc, patch_list.h): what is read of them, by their first 32-bit words.
LOCAL, SCRATCH, ENVIRONMENT, PRIVATE = 15, 18, 23, 38
BRANCHES = ("jmpi", "while", "goto", "else", "if", "break", "cont", "brd", "brc")
OPERAND = r"(r\d+\.\d+)<[^>]*>:u?[dw]"
VALUE = r"(-?(?:0x)?[0-9A-Fa-f]+):u?[dw]"


def _integer(text):
    value = int(text, 0)
    return value - (1 << 32) if value >= 1 << 31 else value


class Xe:
    """What the instructions of Xe do; registers are of `bytes` bytes."""

    def __init__(self, register_bytes):
        self.bytes = register_bytes

    @staticmethod
    def add(instruction):
        match = re.search(rf"\b(?:add|or) \(\d+\|M\d+\) +{OPERAND} +{OPERAND} +{VALUE}", instruction.text)
        return (match[1], match[2], _integer(match[3])) if match else None

    @staticmethod
    def compare(instruction):
        match = re.search(rf"\bcmp \(\d+\|M\d+\) +\((?:lt|ne|ge|eq)\)\S+ +null\S* +{OPERAND} +{VALUE}", instruction.text)
        return (match[1], _integer(match[2])) if match else None

    @staticmethod
    def constant(instruction):
        if match := re.search(r"\bmov \(1\|M0\) +(r\d+\.\d+)<1>:f +0\.0:f", instruction.text):
            return match[1], 0
        match = re.search(rf"\bmov \(\d+\|M\d+\) +{OPERAND} +{VALUE}", instruction.text)
        return (match[1], _integer(match[2])) if match else None

    def classify(self, instruction):
        op, text = instruction.op, instruction.text
        if op.startswith(("nop", "sync", "illegal")):
            return {}
        kinds = {"all": 1}
        if op == "mad" and re.search(r"<1>:f\b", text) and "(1|" not in text:
            kinds["fma"] = 1
        elif op.startswith("dpas"):
            kinds["matrix"] = 1
        elif op.startswith("send"):
            kinds.update(self._message(text))
        return kinds

    def _message(self, text):
        match = re.search(r"\((\d+)\|M\d+\).*?// +wr:\w+\+(\d+), rd:(\d+); (.*)", text)
        if not match:
            return {}
        lanes, written, read, what = int(match[1]), int(match[2]), int(match[3]), match[4]
        if not re.search("read|load|write|store", what):
            return {}
        moved = (read or written) * self.bytes / lanes
        size = 16 if moved >= 16 else 8 if moved >= 8 else 4
        kind = "load" if re.search("read|load", what) else "store"
        descriptor = re.findall(r"0x([0-9A-F]+)", text.split("//", maxsplit=1)[0])
        if ".slm" in what or ("untyped" in what and descriptor and int(descriptor[-1], 16) & 0xFF == 0xFE):
            return {f"local_{kind}{size}": 1}
        return {"scratch": 1} if "scratch" in what or "ss[" in what else {f"global_{kind}{size}": 1}


def listing(text):
    items = []
    for row in text.splitlines():
        if match := re.match(r"(L\d+):", row):
            items.append(match[1])
        elif match := re.match(r"(?:\(([^)]*)\))? *([a-z]\S*)( .*|$)", row):
            op, predicated = match[2], "f" in (match[1] or "")
            target = re.findall(r"\bL\d+", match[3])[-1:] if op.split(".")[0] in BRANCHES else []
            body = re.sub(r" +", " ", match[0])
            ends = op == "jmpi" or "end of thread" in body
            # `break` names the `while` and goes on behind it.
            items.append(Instruction(op, body, target[0] + ":behind" * (op == "break") if target else None, predicated or not ends))
            if op == "while":
                items.append(next(label for label in reversed(items) if isinstance(label, str)) + ":behind")
    return Listing(items)


def tokens(text):
    """Patch tokens by kernel: {kernel: {token: [32-bit words]}}."""
    result = {}
    for part in text.split("Kernel #")[1:]:
        found = {}
        for token, data in re.findall(r"4 Token (\d+)\n\s*4 Size \d+\n\s*Hex ([0-9a-f ]+)", part):
            values = [int(byte, 16) for byte in data.split()]
            found[int(token)] = [int.from_bytes(values[i:i + 4], "little") for i in range(0, len(values), 4)]
        result[re.search(r"KernelName (\S+)", part)[1]] = found
    return result


def compile_kernel(tools, source, options, target, folder):
    """Measures every kernel of a source file: {kernel: {name: number}}; raises ValueError where the compiler fails."""
    platform, register_bytes = PLATFORMS[target]
    binary, isa = f"{folder}/k", Xe(register_bytes)
    includes = " ".join(f"-I{path}" for path in tools.includes)
    standard = "" if "-cl-std" in options else "-cl-std=CL1.2"
    said = tools.run([tools.ocloc, "compile", "-file", source, "-device", target, "-options", f"{standard} {options} {includes}",
                      "-output", "k", "-output_no_suffix", "-out_dir", folder])
    if "Build succeeded" not in said:
        raise ValueError(f"ocloc: {said.strip()[-600:]}")
    tools.run([tools.ocloc, "disasm", "-file", binary, "-device", target, "-dump", f"{folder}/parts"])
    with open(f"{folder}/parts/PTM.txt", encoding="utf-8", errors="replace") as file:
        patched = tokens(file.read())
    result = {}
    for name, found in patched.items():
        text = tools.run([tools.iga, "-d", f"-p={platform}", f"{folder}/parts/{name}_KernelHeap.dat"])
        with open(os.path.join(folder, f"{name}.asm"), "w", encoding="utf-8") as file:
            file.write(text)
        code, environment = listing(text), found[ENVIRONMENT]
        registers = environment[20]
        result[name] = {"registers": registers, "spills": found.get(SCRATCH, [0, 0])[1], "scratch": found.get(PRIVATE, [0] * 4)[3],
                        "local": found.get(LOCAL, [0, 0])[1], "occupancy": f"{1024 // registers}/8 simd{environment[3]}",
                        "group": environment[0] * environment[1] * environment[2], "code": mix(code.instructions, isa),
                        "loop": tile_loop(code, isa)}
    return result
