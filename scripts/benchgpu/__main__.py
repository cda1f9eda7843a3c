"""The command line of scripts/bench-gpu."""
import argparse
import subprocess
import sys
from pathlib import Path

# Nothing is written beside the scripts: a bundle may lie on a read-only disk, and a checkout stays clean.
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
# pylint: disable=wrong-import-position
from benchgpu import keep, pack, run, table
from benchgpu.stages import STAGES


def parse(arguments):
    parser = argparse.ArgumentParser(prog="bench-gpu", description="Measures rncl on a machine with a GPU and a driver.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("pack", help="lay a bundle for the other machine")
    command.add_argument("folder", nargs="?", type=Path, default=Path("build/gpu-bundle"), help="default: %(default)s")
    command.add_argument("--rncl", type=Path, metavar="FILE", help="the program (default: the release build's, which is made up to date)")
    command.set_defaults(function=pack.main)

    command = commands.add_parser("run", help="measure, with a bundle", formatter_class=argparse.RawDescriptionHelpFormatter,
                                  epilog="stages: " + " ".join(stage.name for stage in STAGES))
    command.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent.parent,
                         help="the bundle (default: the one around this script)")
    command.add_argument("--device", help="number, or part of the name of a device or platform, in `rncl devices` (default: the first GPU)")
    command.add_argument("--seconds", type=float, default=570, help="limit of the whole run (default: %(default)g)")
    command.add_argument("--only", default="", metavar="STAGE,...", help="only stages whose names begin so; `devices` always runs")
    command.add_argument("--quick", action="store_true", help="tiny networks, to try the script itself; the figures mean nothing")
    command.add_argument("--out", type=Path, help="folder for the results (default: results in the bundle)")
    command.set_defaults(function=run.main)

    command = commands.add_parser("keep", help="take results into the repository")
    command.add_argument("folder", type=Path, metavar="RESULTS")
    command.set_defaults(function=keep.main)

    command = commands.add_parser("table", help="print results")
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.set_defaults(function=table.main)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    chosen = parse(sys.argv[1:])
    try:
        sys.exit(chosen.function(chosen))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench-gpu: {error}")
