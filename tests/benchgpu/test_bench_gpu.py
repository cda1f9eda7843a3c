"""scripts/bench-gpu: what becomes of stages that fail, and what its table says. Stages are tried with a program that
plays rncl, and the bundle with the real one. Reports in TAP.

usage: test_bench_gpu.py SOURCE RNCL
"""
import argparse
import contextlib
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
SOURCE, RNCL = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "scripts"))
# pylint: disable=wrong-import-position
from benchgpu import keep, machine, registers, run, table
from benchgpu.stages import Stage, bits, check, tune

GPU = {"number": 2, "name": "Fast GPU (TM) 9", "platform": "P", "type": "gpu", "driver": "1.2"}
CPU = {"number": 1, "name": "slow", "platform": "P", "type": "cpu", "driver": "1.2"}
BENCH = {"images_per_second": 500.0, "step_ms": {"median": 128.0}, "compile_ms": 1500.0, "tuning": "miss", "peak_gflops": 20000.0,
         "peak_bandwidth_gbs": 900.0,
         "layers": [{"name": "a", "op": "conv", "pass": "forward", "algorithm": "tiled", "ms": 30.0, "gflops": 8000.0},
                    {"name": "b", "op": "conv", "pass": "forward", "algorithm": "tiled", "ms": 10.0, "gflops": 4000.0},
                    {"name": "c", "op": "batchnorm", "pass": "forward", "algorithm": "", "ms": 60.0, "gflops": None}]}
CHECKED = {"passed": 1, "failed": 1, "checks": [{"name": "sgd: x", "error": 1.0, "tolerance": 4.0, "ok": True},
                                                {"name": "conv/tiled: y", "error": 9.0, "tolerance": 3.0, "ok": False}]}


def bundle(folder, devices=(CPU, GPU), **commands):
    """A bundle whose rncl runs a line of shell for each command."""
    shell = {"version": "echo rncl 0", "devices": f"echo '{json.dumps({'devices': list(devices)})}'", **commands}
    (folder / "bin").mkdir()
    (folder / "lib").mkdir()
    (folder / "bundle.json").write_text('{"commit": "abc", "glibc": "2.1"}')
    cases = "".join(f"{command}) {line} ;;\n" for command, line in shell.items())
    (folder / "bin/rncl").write_text(f'#!/bin/sh\ncase $1 in\n{cases}*) echo "unexpected $*" >&2; exit 99 ;;\nesac\n')
    (folder / "bin/rncl").chmod(0o755)
    return folder


def options(folder, only, seconds=60.0):
    return argparse.Namespace(folder=folder, out=None, device=None, quick=False, seconds=seconds, only=only)


def bench_gpu(folder, only, seconds=60.0):
    """Returns the exit status and what the report says of each stage."""
    with contextlib.redirect_stdout(io.StringIO()):
        status = run.main(options(folder, only, seconds))
    found = json.loads(next((folder / "results").glob("*.json")).read_text())
    return status, {stage["name"]: stage for stage in found["stages"]}


def a_failed_stage_is_in_the_report_and_the_next_ones_run(folder):
    status, stages = bench_gpu(bundle(folder, check=f"echo '{json.dumps(CHECKED)}'; exit 7", bench=f"echo '{json.dumps(BENCH)}'"),
                               "check,bench-resnet50-b128")
    assert status == 1
    assert stages["check"]["status"] == "failed"
    assert stages["check"]["last_lines"] == ["conv/tiled: y"]
    assert stages["check"]["result"]["worst"] == 3.0
    assert stages["bench-resnet50-b128"]["status"] == "done"
    assert stages["bench-resnet50-b128"]["result"]["images_per_second"] == 500.0
    assert "--device 2 --arch resnet --depth 50 --batch-size 128 --steps 10 --json" in stages["bench-resnet50-b128"]["commands"][0]


def a_crash_is_told_with_the_last_lines(folder):
    status, stages = bench_gpu(bundle(folder, bench="echo driver says no >&2; kill -SEGV $$"), "bench-resnet20")
    assert status == 1
    assert "status -11" in stages["bench-resnet20-b128"]["reason"]
    assert stages["bench-resnet20-b128"]["last_lines"][0] == "driver says no"


def strange_output_fails_only_its_stage(folder):
    status, stages = bench_gpu(bundle(folder, check="echo '{}'", bench="echo nothing"), "check,bench-resnet20")
    assert status == 1
    assert stages["check"]["reason"] == "KeyError: 'checks'"
    assert stages["bench-resnet20-b128"]["reason"] == "rncl bench printed no JSON"


def gone(process):
    """Whether a process has ended; init may not have collected it yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@contextlib.contextmanager
def begun(folder):
    """A run whose device has been found."""
    with tempfile.TemporaryDirectory() as work:
        measured = run.Run(options(folder, ""), Path(work))
        (measured.out / "logs").mkdir(parents=True, exist_ok=True)
        measured.report["device"] = GPU
        yield measured


def a_stage_that_hangs_is_ended_with_its_children_and_what_it_has_left_counts(folder):
    bundle(folder, tune=f"sleep 600 & echo $! >{folder}/child; wait")
    limit_s = 0.5
    while not (folder / "child").is_file() or not (folder / "child").read_text():  # a busy machine may need longer to begin
        with begun(folder) as measured:
            (measured.work / "data/rncl/tuning").mkdir(parents=True)
            (measured.work / "data/rncl/tuning/gpu.json").write_text("{}")
            measured.stage(Stage("tune", limit_s, tune))
        limit_s *= 2
    stage, = measured.report["stages"]
    assert (stage["status"], stage["reason"]) == ("failed", "rncl tune took too long")
    assert stage["result"] == {"files": ["gpu.json"]}
    assert (folder / "results/tuning/gpu.json").is_file()
    child = (folder / "child").read_text().strip()
    while not gone(child):  # CTest's limit is this loop's
        time.sleep(0.05)


def the_limit_of_the_run_ends_the_stage_and_skips_the_rest(folder):
    with begun(bundle(folder, train="sleep 600")) as measured:
        measured.end = time.monotonic() + 2
        for name, function in (("bits", bits), ("check", check)):
            measured.stage(Stage(name, 600.0, function))
    reasons = [(stage["status"], stage["reason"]) for stage in measured.report["stages"]]
    assert reasons == [("failed", "rncl train took too long"), ("skipped", "no time left")]


def precision_is_measured_where_rncl_has_it(folder):
    answer = f"""case $2 in --help) {{}};; *) echo '{json.dumps(BENCH)}';; esac"""
    for text, expected in (("echo --batch-size", "skipped"), ("echo --precision", "done")):
        (folder / expected).mkdir()
        status, stages = bench_gpu(bundle(folder / expected, bench=answer.replace("{}", text)), "bench-resnet50-b64-tf32")
        assert status == 0
        assert stages["bench-resnet50-b64-tf32"]["status"] == expected
    assert stages["bench-resnet50-b64-tf32"]["commands"][1].endswith("--precision tf32 --json")


def trainings_that_differ_fail(folder):
    train = 'while [ "$1" != --out ]; do shift; done; mkdir -p $2; echo $2 >$2/steps.csv; echo >$2/model.safetensors; echo "{}"'
    _, stages = bench_gpu(bundle(folder, train=train), "bits")
    assert stages["bits"]["reason"] == "two trainings differ"
    hashes = stages["bits"]["result"]
    assert hashes["first"]["model.safetensors"] == hashes["second"]["model.safetensors"]


def without_a_gpu_nothing_is_measured(folder):
    status, stages = bench_gpu(bundle(folder, devices=[CPU]), "check")
    assert status == 3
    assert stages["devices"]["last_lines"] == ["1 slow (cpu)"]
    assert stages["check"]["status"] == "skipped"
    assert (folder / "results/no-device.json").is_file()


def an_interrupted_run_leaves_its_report(folder):
    bundle(folder, check=f"touch {folder}/begun; sleep 600")
    process = subprocess.Popen([SOURCE / "scripts/bench-gpu", "run", folder, "--only", "check"], stdout=subprocess.DEVNULL)
    while not (folder / "begun").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 130
    found = json.loads((folder / "results/fast-gpu-tm-9.json").read_text())
    assert found["stages"][-1]["reason"] == "interrupted"


def report(**changed):
    stages = [{"name": "bench-resnet50-b64", "status": "done", "seconds": 10.0, "result": BENCH},
              {"name": "pytorch", "status": "failed", "seconds": 120.0, "reason": "PyTorch took too long", "last_lines": ["slow"],
               "result": {"torch": "2", "rows": [
                   {"network": "resnet50", "batch": 64, "mode": "fp32", "layout": "nchw", "images_per_second": 400.0},
                   {"network": "resnet50", "batch": 64, "mode": "fp32", "layout": "nhwc", "images_per_second": 250.0},
                   {"network": "resnet50", "batch": 64, "mode": "tf32", "layout": "nhwc", "images_per_second": 1000.0},
                   {"network": "resnet50", "batch": 64, "mode": "bf16", "layout": "nhwc", "error": "out of memory"}]}},
              {"name": "bench-resnet50-b64-bf16-operands", "status": "done", "seconds": 9.0, "result": {**BENCH, "images_per_second": 1600.0}},
              {"name": "tuned-resnet50-b64", "status": "skipped", "seconds": 0.0, "reason": "no time left", "result": {}}]
    return {"name": "fast", "date": "today", "quick": False, "bundle": {"commit": "abc"}, "device": GPU, "seconds": 130.0, "stages": stages,
            **changed}


def the_table_sets_rncl_beside_the_faster_layout_of_pytorch(_):
    lines = table.whole(report()).splitlines()
    assert "bench-resnet50-b64                   500.0 |             400.0    1000.0         - |      1.25      0.50         -" in lines
    assert "bench-resnet50-b64-bf16-operands    1600.0 |             400.0    1000.0         - |      4.00      1.60         -" in lines
    assert any(line.endswith("tuned-resnet50-b64               skipped: no time left") for line in lines)
    assert not any(line.startswith("tuned-resnet50-b64") for line in lines)
    assert lines[-2:] == ["pytorch:", "  slow"]


def the_table_adds_layers_up_by_kind(_):
    lines = table.layer_table("n", BENCH)
    assert lines[0] == "n: 100.00 ms in kernels; measured peak 20.00 TFLOP/s, 900 GB/s"
    assert lines[1].split() == ["batchnorm", "forward", "60.000", "ms", "60.0", "%"]
    assert lines[2].split() == ["conv", "forward", "tiled", "40.000", "ms", "40.0", "%", "7.00", "TFLOP/s"]


PTX = """.version 7.8
.target sm_80, texmode_independent
.address_size 64
.entry scale(
    .param .u64 .ptr .global .align 16 scale_x
)
{
    .reg .f32 %f<9>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [scale_x];
    ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];
    fma.rn.f32 %f5, %f1, %f2, %f3;
    st.global.f32 [%rd1], %f5;
    ret;
}
"""


def cache_file(folder, name, binary):
    key = b"platform\ndevice\nversion\ndriver\n-DVW=4 -cl-mad-enable\nsource\nof many lines"
    (folder / name).write_bytes(struct.pack("<8sQQQ", b"rnclbin1", len(key), len(binary), 0) + key + binary)


def ptx_is_taken_out_of_the_cache_with_its_options(folder):
    cache_file(folder, "1.bin", b"//\n// Generated\n//\n\n" + PTX.encode() + b"\0")
    cache_file(folder, "2.bin", b"\x7fELF\2\1\1\0")
    (folder / "3.bin").write_bytes(b"rnclbin1")
    assert registers.extract(folder, folder / "out") == 1
    text = (folder / "out/1.ptx").read_text()
    assert text.startswith("// -DVW=4 -cl-mad-enable\n") and text.endswith("}\n\n")


def registers_of_ptx_are_counted(folder):
    if not registers.find_ptxas():
        return "no ptxas"
    cache_file(folder, "1.bin", PTX.encode())
    result = {}
    registers.extract(folder, folder / "out")
    registers.measure(folder / "out", result)
    assert result["refused"] == []
    kernel, = result["kernels"]
    assert (kernel["kernel"], kernel["options"]) == ("scale", "-DVW=4 -cl-mad-enable")
    assert (kernel["spills"], kernel["scratch"], kernel["global_load16"], kernel["fma"]) == (0, 0, 1, 1)
    assert kernel["registers"] > 0
    return None


def results_of_a_device_are_kept_and_others_are_not(folder):
    keep.REPOSITORY = folder / "repository"
    for path in ("repository/docs", "repository/tuning", "results/tuning"):
        (folder / path).mkdir(parents=True)
    (folder / "results/fast.json").write_text(json.dumps(report()))
    (folder / "results/no-device.json").write_text(json.dumps(report(device=None)))
    (folder / "results/tuning/fast-9.json").write_text("{}")
    with contextlib.redirect_stdout(io.StringIO()):
        assert keep.main(argparse.Namespace(folder=folder / "results")) == 0
    kept = sorted(str(file.relative_to(keep.REPOSITORY)) for file in keep.REPOSITORY.rglob("*.json"))
    assert kept == ["docs/gpu/fast.json", "tuning/fast-9.json"]


def drivers_that_are_not_registered_join_those_that_are(folder):
    for name in ("vendors", "nvidia"):
        (folder / name).mkdir()
    (folder / "vendors/amd.icd").write_text("libamdocl64.so\n")
    for name in ("libnvidia-opencl.so.1", "libamdocl64.so"):
        (folder / "nvidia" / name).touch()
    machine.VENDORS, machine.DRIVER_FOLDERS = folder / "vendors", [str(folder / "nv*")]
    environment = {}
    assert machine.register_drivers(environment, folder / "all") == [str(folder / "nvidia/libnvidia-opencl.so.1")]
    assert environment["OCL_ICD_VENDORS"] == str(folder / "all")
    assert str(folder / "nvidia") in environment["LD_LIBRARY_PATH"].split(":")
    assert sorted(file.name for file in (folder / "all").iterdir()) == ["amd.icd", "libnvidia-opencl.so.1.icd"]


def only_lacking_libraries_come_from_the_bundle(folder):
    for name in ("outer.so", "inner.so", "present.so"):
        (folder / name).touch()

    def lacking(_, environment):
        given = {file.name for file in Path(environment["LD_LIBRARY_PATH"].split(":")[0]).iterdir()}
        return ({"outer.so", "nowhere.so"} if "outer.so" not in given else {"inner.so"}) - given

    machine.lacking_libraries = lacking
    assert machine.provide_libraries("true", folder, {"LD_LIBRARY_PATH": "/a"}, folder / "some") == ["inner.so", "outer.so"]
    assert machine.provide_libraries("false", folder, {}, folder / "all") == ["inner.so", "outer.so", "present.so"]


def a_bundle_of_the_real_program_finds_the_devices(folder):
    subprocess.run([SOURCE / "scripts/bench-gpu", "pack", folder / "bundle", "--rncl", RNCL], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    environment = {"PATH": "/usr/bin:/bin", **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}
    done = subprocess.run([folder / "bundle/bench-gpu", "run", "--device", "1", "--only", "devices"], env=environment, cwd="/",
                          stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    again = subprocess.run([folder / "bundle/bench-gpu", "table", *(folder / "bundle/results").glob("*.json")], env=environment,
                           stdout=subprocess.PIPE, text=True)
    assert again.stdout and again.stdout in done.stdout


TESTS = (a_failed_stage_is_in_the_report_and_the_next_ones_run, a_crash_is_told_with_the_last_lines, strange_output_fails_only_its_stage,
         a_stage_that_hangs_is_ended_with_its_children_and_what_it_has_left_counts, the_limit_of_the_run_ends_the_stage_and_skips_the_rest,
         precision_is_measured_where_rncl_has_it, trainings_that_differ_fail, without_a_gpu_nothing_is_measured, an_interrupted_run_leaves_its_report,
         the_table_sets_rncl_beside_the_faster_layout_of_pytorch, the_table_adds_layers_up_by_kind,
         ptx_is_taken_out_of_the_cache_with_its_options, registers_of_ptx_are_counted, results_of_a_device_are_kept_and_others_are_not,
         drivers_that_are_not_registered_join_those_that_are, only_lacking_libraries_come_from_the_bundle,
         a_bundle_of_the_real_program_finds_the_devices)


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        skipped = None
        try:
            with tempfile.TemporaryDirectory(prefix="bench-gpu-test-") as folder:
                skipped = test(Path(folder))
        except Exception:  # pylint: disable=broad-exception-caught
            failed += 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} - {test.__name__}")
        else:
            print(f"not ok {number} - {test.__name__} # SKIP {skipped}" if skipped else f"ok {number} - {test.__name__}", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
