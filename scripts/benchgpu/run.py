"""Runs the stages one after the other, each with its limit; what fails is written down, and the next stage goes on."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchgpu import machine, report, table
from benchgpu.outcome import StageFailed, StageSkipped
from benchgpu.stages import STAGES

LAST_LINES = 12
# Limits are for GPUs; where the script is tried, a CPU's driver compiles far more slowly.
QUICK_PATIENCE = 5
# Enough for a program to end by itself when it is asked to.
GRACE_SECONDS = 5


def slug(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def last_lines(text):
    return [line[:200] for line in text.splitlines()[-LAST_LINES:]]


class Run:
    """What stages share: the bundle, the device, folders and the time that is left."""

    def __init__(self, arguments, work):
        self.bundle = arguments.folder.resolve()
        self.out = (arguments.out or arguments.folder / "results").resolve()
        self.work, self.quick, self.device = work, arguments.quick, arguments.device
        self.begin = time.monotonic()
        self.end = self.begin + arguments.seconds
        self.stage_end = self.end
        self.entry = None  # of the stage that runs
        self.said = []  # last lines of the program that ran last, on standard error
        self.file = self.out / "no-device.json"
        self.environment, prepared = machine.rncl_environment(self.bundle, work)
        self.torch_environment = machine.inherited_environment(self.bundle)
        self.report = {"format": 1, "name": None, "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "quick": self.quick,
                       "bundle": json.loads((self.bundle / "bundle.json").read_text()),
                       "machine": {**machine.describe(), **prepared}, "device": None, "seconds": None, "stages": []}

    def command(self, *arguments, environment=None):
        """Runs a program until the stage's time is over. Returns its status and standard output, also if it fails."""
        arguments = [str(argument) for argument in arguments]
        self.entry.setdefault("commands", []).append(" ".join(arguments))
        log = self.out / "logs" / f"{self.entry['name']}.txt"
        with tempfile.TemporaryFile("w+", errors="replace") as printed, open(log, "a+", errors="replace") as said:
            began = said.seek(0, os.SEEK_END)
            process = subprocess.Popen(arguments, env=environment or self.environment, stdout=printed, stderr=said,
                                       stdin=subprocess.DEVNULL, cwd=self.work, start_new_session=True)
            try:
                status = process.wait(max(0.0, self.stage_end - time.monotonic()))
            except subprocess.TimeoutExpired:
                status = None
            finally:
                end_group(process)
            said.seek(began)
            self.said = last_lines(said.read())
            printed.seek(0)
            return status, printed.read()

    def rncl(self, *arguments):
        """As `command`, with rncl."""
        return self.command(self.bundle / "bin/rncl", *arguments)

    def rncl_json(self, command, *arguments, allowed=()):
        """Runs a command of rncl on the device. Returns its JSON; StageFailed unless it ends with 0 or one of `allowed`."""
        device = ["--device", self.device] if self.device else []
        status, printed = self.rncl(command, *device, *arguments, "--json")
        if status is None:
            raise StageFailed(f"rncl {command} took too long", self.said)
        if status != 0 and status not in allowed:
            raise StageFailed(f"rncl {command} ended with status {status}", self.said)
        try:
            return json.loads(printed)
        except ValueError:
            raise StageFailed(f"rncl {command} printed no JSON", self.said + last_lines(printed)) from None

    def stage(self, stage):
        """Runs one stage and adds its entry to the report."""
        began = time.monotonic()
        limit_s = stage.limit_s * (QUICK_PATIENCE if self.quick else 1)
        self.stage_end = min(self.end, began + limit_s)
        self.entry = {"name": stage.name, "status": "done", "seconds": 0.0, "limit_s": limit_s, "result": {}}
        self.report["stages"].append(self.entry)
        try:
            if self.end - began < 1:
                raise StageSkipped("no time left")
            if stage.needs_device and not self.report["device"]:
                raise StageSkipped("no device")
            stage.function(self, self.entry["result"], *stage.arguments)
        except StageSkipped as skipped:
            self.entry.update(status="skipped", reason=str(skipped))
        except StageFailed as failed:
            self.entry.update(status="failed", reason=failed.reason, last_lines=failed.lines)
        except KeyboardInterrupt:
            self.entry.update(status="failed", reason="interrupted")
            raise
        except Exception as error:  # a driver's strange answer in one stage must not cost the others
            self.entry.update(status="failed", reason=f"{type(error).__name__}: {error}")
        finally:
            self.entry["seconds"] = time.monotonic() - began
            self.write()

    def write(self):
        """The file is named when the device is known."""
        if self.report["device"]:
            self.report["name"] = slug(self.report["device"]["name"])
            self.file = self.out / f"{self.report['name']}.json"
        self.report["seconds"] = time.monotonic() - self.begin
        report.write(self.report, self.file)


def end_group(process):
    """Ends a program, should it not have ended, and whatever it has started."""
    try:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def chosen_stages(only):
    prefixes = [prefix for prefix in only.split(",") if prefix]
    for prefix in prefixes:
        if not any(stage.name.startswith(prefix) for stage in STAGES):
            raise ValueError(f"no stage {prefix}; there are {', '.join(stage.name for stage in STAGES)}")
    return [stage for stage in STAGES if not prefixes or stage.name == "devices" or stage.name.startswith(tuple(prefixes))]


def check_bundle(bundle):
    if not (bundle / "bundle.json").is_file():
        raise ValueError(f"{bundle} is no bundle; scripts/bench-gpu pack lays one")
    needed, present = json.loads((bundle / "bundle.json").read_text())["glibc"], machine.glibc()
    if present and [*map(int, present.split("."))] < [*map(int, needed.split("."))]:
        raise ValueError(f"the bundle needs glibc {needed} or newer, and this machine has {present}; pack it on an older system")


def interrupt(*_):
    raise KeyboardInterrupt


def main(arguments):
    """0: every stage is done or skipped; 1: one has failed; 3: no GPU; 130: interrupted."""
    check_bundle(arguments.folder)
    stages = chosen_stages(arguments.only)
    signal.signal(signal.SIGTERM, interrupt)
    work = Path(tempfile.mkdtemp(prefix="bench-gpu-"))
    interrupted = False
    try:
        run = Run(arguments, work)
        for folder in ("logs", "programs", "tuning"):  # of an earlier run
            shutil.rmtree(run.out / folder, ignore_errors=True)
        (run.out / "logs").mkdir(parents=True)
        try:
            for stage in stages:
                run.stage(stage)
                print(table.stage_line(run.report["stages"][-1]), flush=True)
        except KeyboardInterrupt:
            interrupted = True
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = table.whole(run.report)
    run.file.with_suffix(".txt").write_text(text)
    print(f"\n{text}\n{run.file}")
    if interrupted:
        return 130
    if not run.report["device"]:
        return 3
    return int(any(stage["status"] == "failed" for stage in run.report["stages"]))
