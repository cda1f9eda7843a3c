"""Takes the results of another machine into the repository."""
import json
import shutil
from pathlib import Path

from benchgpu import registers, report, table
from benchgpu.outcome import StageSkipped

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def complete_registers(results, found):
    """Where there was PTX and no ptxas, this machine may have one."""
    for stage in found["stages"]:
        if stage["name"] == "registers" and stage["status"] == "skipped" and (results / "programs").is_dir():
            try:
                registers.measure(results / "programs", stage["result"])
                stage.update(status="done", reason="measured elsewhere")
            except StageSkipped:
                pass


def main(arguments):
    results = arguments.folder
    reports = [(file, json.loads(file.read_text())) for file in sorted(results.glob("*.json"))]
    reports = [(file, found) for file, found in reports if found["device"]]
    if not reports:
        raise ValueError(f"no results of a device in {results}")
    for file, found in reports:
        complete_registers(results, found)
        kept = REPOSITORY / "docs/gpu" / file.name
        kept.parent.mkdir(exist_ok=True)
        report.write(found, kept)
        print(f"{table.whole(found)}\n{kept}")
    for file in sorted((results / "tuning").glob("*.json")):
        print(shutil.copy(file, REPOSITORY / "tuning"))
    return 0
