"""NVIDIA: clang and libclc to PTX, ptxas to SASS, nvdisasm to text."""
import re

from gpukernels.listing import Instruction, Listing, mix, tile_loop

# Registers and local memory of a multiprocessor, warps that it holds, and the granule of registers a warp.
LIMITS = {75: (65536, 65536, 32), 80: (65536, 167936, 64), 90: (65536, 233472, 64)}
ENTRY = re.compile(r"Compiling entry function '(\S+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
                   r"(\d+) bytes spill loads.*?Used (\d+) registers([^\n]*)", re.S)
NUMBER = r"(-?0x[0-9a-f]+)"


def _integer(text):
    value = 0 if text.endswith("RZ") else int(text, 16)
    return value - (1 << 32) if value >= 1 << 31 else value


class Sass:
    """What the instructions of SASS do."""

    @staticmethod
    def add(instruction):
        match = re.search(rf"(?<![.\w])(?:UIADD3|IADD3|VIADD|IADD)(?:\.\S+)? (U?R\d+), (?:U?PT, U?PT, )?(U?R\d+)(?:\.reuse)?, {NUMBER}",
                          instruction.text)
        return (match[1], match[2], _integer(match[3])) if match else None

    @staticmethod
    def compare(instruction):
        match = re.search(rf"\bU?ISETP\.(?:NE|LT|GE|EQ)\S* U?P\d, U?PT, (U?R\d+)(?:\.reuse)?, {NUMBER}, ", instruction.text)
        return (match[1], _integer(match[2])) if match else None

    @staticmethod
    def constant(instruction):
        match = re.search(rf"\b(?:U?MOV|IMAD\.MOV\.U32|CS2R(?:\.32)?) (U?R\d+), (?:RZ, RZ, )?({NUMBER}|S?U?RZ)$", instruction.text)
        if match:
            return match[1], _integer(match[2])
        match = re.search(r"\bHFMA2(?:\.MMA)? (R\d+), -RZ, RZ, 0, 0$", instruction.text)
        return (match[1], 0) if match else None

    @staticmethod
    def classify(instruction):
        op = instruction.op
        if op == "NOP":
            return {}
        kinds = {"all": 1}
        if re.match(r"FFMA2?\b", op):
            kinds["fma"] = 2 if op.startswith("FFMA2") else 1
        elif re.match(r"[HI]MMA|WGMMA", op):
            kinds["matrix"] = 1
        elif op.startswith("LDSM"):
            kinds["local_rows"] = int(op[-1])  # lines of local memory, 1 to 4
        else:
            kind = {"LDG": "global_load", "LDGSTS": "global_load", "LDS": "local_load",
                    "STG": "global_store", "STS": "local_store", "LDL": "scratch", "STL": "scratch"}.get(op.split(".")[0])
            if kind:
                kinds[kind + ("16" if "128" in op else "8" if ".64" in op else "4")] = 1
        return kinds


def listings(text):
    """SASS by kernel."""
    functions, items = {}, None
    for line in text.splitlines():
        if match := re.match(r"\s*\.text\.(\S+):", line):
            items = functions.setdefault(match[1], [])
        elif items is not None and (match := re.match(r"(\.L_x_\d+):", line)):
            items.append(match[1])
        elif items is not None and (match := re.match(r"\s*/\*[0-9a-f]+\*/\s+(?:@(!?U?P\w+)\s+)?((\S+).*?)\s*;", line)):
            predicate, body, op = match.groups()
            # ptxas also branches by CALL, but for the calls of functions.
            target = re.search(r"\.L_x_\d+", body) if op.split(".")[0] in ("BRA", "CALL") else None
            ends = target or op.split(".")[0] in ("EXIT", "RET", "BRX", "JMX", "KILL")
            items.append(Instruction(op, body, target and target[0], bool(predicate) or not ends))
    return {name: Listing(items) for name, items in functions.items()}


def occupancy(target, registers, local_bytes, group):
    """Warps that a multiprocessor holds at once, of those that it could hold."""
    all_registers, all_local, warps = LIMITS[target]
    group_warps = -(-group // 32)
    by_registers = all_registers // (-(-registers * 32 // 256) * 256 * group_warps)
    by_local = all_local // (local_bytes + 1024) if local_bytes else warps
    return min(by_registers, by_local, warps // group_warps) * group_warps, warps


def compile_kernel(tools, source, options, target, folder):
    """Measures every kernel of a source file: {kernel: {name: number}}; raises ValueError where a compiler fails."""
    number = int(target[3:])
    tools.run([*tools.clang(options), "-target", "nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", target,
               "-Xclang", "-target-feature", "-Xclang", "+ptx78", *tools.bitcode([tools.libclc]), "-S", "-o", f"{folder}/k.ptx", source])
    limit = re.search(r"-cl-nv-maxrregcount[= ](\d+)", options)
    said = tools.run([tools.ptxas, "-v", f"-arch={target}", *([f"-maxrregcount={limit[1]}"] if limit else []),
                      "-o", f"{folder}/k.cubin", f"{folder}/k.ptx"])
    code = listings(tools.run([tools.nvdisasm, "-c", f"{folder}/k.cubin"]))
    groups = tools.group_sizes(source, options)
    result = {}
    for name, stack, stores, loads, registers, rest in ENTRY.findall(said):
        local = re.search(r"(\d+) bytes smem", rest)
        group = groups.get(name, 256)
        held, most = occupancy(number, int(registers), int(local[1]) if local else 0, group)
        result[name] = {"registers": int(registers), "spills": int(stores) + int(loads), "scratch": int(stack),
                        "local": int(local[1]) if local else 0, "occupancy": f"{held}/{most}", "group": group,
                        "code": mix(code[name].instructions, Sass), "loop": tile_loop(code[name], Sass)}
    return result
