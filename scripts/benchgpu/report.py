"""The JSON of a run: a file that is whole at any time, with a line a stage."""
import json
import os


def rounded(value):
    """Six digits are more than a measurement has."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def write(report, file):
    head = {key: value for key, value in rounded(report).items() if key != "stages"}
    stages = ",\n".join("  " + json.dumps(stage) for stage in rounded(report["stages"]))
    text = json.dumps(head, indent=1)[:-2] + ',\n "stages": [\n' + stages + "\n ]\n}\n"
    part = file.with_suffix(".part")
    part.write_text(text)
    os.replace(part, file)
