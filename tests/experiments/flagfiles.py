"""Reads the flagfiles of the scripts."""

import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "experiments" / "flagfiles"


def flagfile(name):
    """Returns the values in a flagfile by name, with numbers parsed."""
    values = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line.startswith("--"):
            key, _, text = line[2:].partition("=")
            key, text = (key[2:], "false") if key.startswith("no") else (key, text or "true")
            try:
                values[key] = json.loads(text)
            except ValueError:
                values[key] = text
    return values
