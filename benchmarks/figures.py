"""Collects the results of a benchmark, and writes them as one flat JSON object of names and numbers: `--json=FILE`."""

from __future__ import annotations

import json
import pathlib

from absl import flags

_JSON = flags.DEFINE_string("json", None, "File for the results, as one JSON object of names and numbers.")
_figures: dict[str, float] = {}


def record(name: str, number: float) -> None:
    """Stores a number for `write`.

    Raises:
      ValueError: The name is already in use.
    """
    if name in _figures:
        raise ValueError(f"Every figure needs a unique name. Received: {name!r} again")
    _figures[name] = float(number)


def write() -> None:
    """Writes the recorded numbers to the file given by `--json`, if any."""
    if _JSON.value:
        pathlib.Path(_JSON.value).write_text(json.dumps(_figures, indent=2) + "\n", "utf-8")
