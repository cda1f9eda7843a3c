"""AMD: clang and ROCm's device libraries to assembly, which holds everything."""
import os
import re

from gpukernels.listing import Instruction, Listing, mix, tile_loop

# Instructions that only steer the order of the others.
HINTS = re.compile(r"s_(waitcnt|delay_alu|nop|clause|inst_prefetch|sleep)")


def _integer(text):
    value = int(text, 0)
    return value - (1 << 32) if value >= 1 << 31 else value


class Gcn:
    """What the instructions of GCN, CDNA and RDNA do."""

    @staticmethod
    def add(instruction):
        match = re.match(r"s_(?:(add)|sub)_[iu]32 (s\d+), (s\d+), (-?(?:0x)?[0-9a-f]+)$", instruction.text)
        if match:
            return match[2], match[3], _integer(match[4]) * (1 if match[1] else -1)
        match = re.match(r"s_addk_i32 (s\d+), (-?\w+)$", instruction.text)
        if not match:
            return None
        constant = _integer(match[2])
        return match[1], match[1], constant - (1 << 16) if constant >= 1 << 15 else constant

    @staticmethod
    def compare(instruction):
        match = re.match(r"s_cmpk?_(?:lg|eq|lt|ge)_[iu](?:32|64) (s\d+), (-?(?:0x)?[0-9a-f]+)$", instruction.text)
        return (match[1], _integer(match[2])) if match else None

    @staticmethod
    def constant(instruction):
        match = re.match(r"s_movk?_[bi]32 (s\d+), (-?(?:0x)?[0-9a-f]+)$", instruction.text)
        return (match[1], _integer(match[2])) if match else None

    @staticmethod
    def classify(instruction):
        op = instruction.op
        if HINTS.match(op):
            return {}
        operations = instruction.text.split(" :: ")
        kinds = {"all": len(operations)}
        if len(operations) > 1:
            kinds["dual"] = 1
        fused = sum(bool(re.match(r"\s*v_(dual_|pk_)?(fma|fmac|mac|mad)(ak|mk)?_(legacy_)?f32", part)) for part in operations)
        if op.startswith("v_pk_fma_f32"):
            kinds["all"] = fused = 2
        if fused:
            kinds["fma"] = fused
        if re.match(r"v_(mfma|wmma)", op):
            kinds["matrix"] = 1
        match = re.match(r"(global|flat|buffer|ds|scratch)_(load|store|read|write)(?:2(?:st64)?|_2addr)?_?(?:stride64_)?(\w*)", op)
        if match:
            space = {"ds": "local", "scratch": "scratch"}.get(match[1], "global")
            wide = "x4" in op or "b128" in op or (re.search("2addr|read2|write2", op) and "b64" in op)
            middle = "x2" in op or "b64" in op or re.search("2addr|read2|write2", op)
            if space == "scratch" or (match[1] == "buffer" and "s[0:3]" in instruction.text):
                kinds["scratch"] = 1
            else:
                kinds[f"{space}_{'load' if match[2] in ('load', 'read') else 'store'}{16 if wide else 8 if middle else 4}"] = 1
        return kinds


def listings(text):
    """Assembly by kernel."""
    result = {}
    for match in re.finditer(r"^(\w+):\s*; @\1\n(.*?)^\.Lfunc_end", text, re.S | re.M):
        items = []
        for line in match[2].splitlines():
            if label := re.match(r"(\.LBB\w+):", line):
                items.append(label[1])
            elif code := re.match(r"\s+((?:s|v|ds|global|flat|buffer|scratch)_\w+)\s*([^;]*)", line):
                op, rest = code[1], " ".join(code[2].split())
                target = rest if "branch" in op else None
                items.append(Instruction(op, f"{op} {rest}".strip(), target, op not in ("s_branch", "s_endpgm", "s_setpc_b64")))
        result[match[1]] = Listing(items)
    return result


def isa_module(tools, target, folder):
    """The module that names the processor; ROCm 5.2 has none for the newest, so that it is made."""
    version = target[3:]
    path = f"{tools.rocm}/oclc_isa_version_{version}.bc"
    if os.path.exists(path):
        return path
    number = int(version[:-2]) * 1000 + int(version[-2], 16) * 100 + int(version[-1], 16)
    with open(f"{folder}/isa.ll", "w", encoding="utf-8") as file:
        file.write('target triple = "amdgcn-amd-amdhsa"\n@__oclc_ISA_version = linkonce_odr hidden local_unnamed_addr '
                   f"addrspace(4) constant i32 {number}\n")
    tools.run([tools.clang_program, "-x", "ir", "-target", "amdgcn-amd-amdhsa", "-nogpulib", "-emit-llvm", "-c",
               "-o", f"{folder}/isa.bc", f"{folder}/isa.ll"])
    return f"{folder}/isa.bc"


def compile_kernel(tools, source, options, target, folder):
    """Measures every kernel of a source file: {kernel: {name: number}}; raises ValueError where the compiler fails."""
    wave = "on" if target.startswith("gfx9") else "off"
    modules = [f"{tools.rocm}/{name}.bc" for name in
               ("opencl", "ocml", "ockl", "oclc_correctly_rounded_sqrt_off", "oclc_daz_opt_off", "oclc_finite_only_off",
                "oclc_unsafe_math_off", f"oclc_wavefrontsize64_{wave}", "oclc_abi_version_400")]
    modules.append(isa_module(tools, target, folder))
    tools.run([*tools.clang(options), "-target", "amdgcn-amd-amdhsa", f"-mcpu={target}", "-nogpulib",
               "-mcode-object-version=4", *tools.bitcode(modules), "-S", "-o", f"{folder}/k.s", source])
    with open(f"{folder}/k.s", encoding="utf-8") as file:
        text = file.read()
    code, result = listings(text), {}
    most = {"gfx906": 10, "gfx90a": 8}.get(target, 16)
    for entry in re.split(r"\n  - \.a", text[text.find("amdhsa.kernels:"):])[1:]:
        def field(name):
            return (re.search(rf"\.{name}:\s+(\S+)", entry) or [None, "0"])[1]
        name = field("name")
        shape = re.search(r"\.reqd_workgroup_size:\s+- (\d+)\s+- (\d+)\s+- (\d+)", entry)
        waves = re.search(rf"^{name}:.*?; Occupancy: (\d+)", text, re.S | re.M)
        result[name] = {"registers": int(field("vgpr_count")),
                        "spills": int(field("vgpr_spill_count")) + int(field("sgpr_spill_count")),
                        "scratch": int(field("private_segment_fixed_size")), "local": int(field("group_segment_fixed_size")),
                        "occupancy": f"{waves[1] if waves else 0}/{most}",
                        "group": int(shape[1]) * int(shape[2]) * int(shape[3]) if shape else 256,
                        "code": mix(code[name].instructions, Gcn), "loop": tile_loop(code[name], Gcn)}
    return result
