"""What a benchmark measured, as one flat JSON object of names and numbers: `--json=FILE`."""

from __future__ import annotations

import json
import pathlib

from absl import flags

_JSON = flags.DEFINE_string("json", None, "File for the figures, as one JSON object of names and numbers.")
_figures: dict[str, float] = {}


def record(name: str, number: float) -> None:
    """Keeps a figure for `write`.

    Raises:
      ValueError: The name is taken.
    """
    if name in _figures:
        raise ValueError(f"Every figure has a name of its own. Received: {name!r} again")
    _figures[name] = float(number)


def write() -> None:
    """Writes what was recorded to the file of `--json`, if it is given."""
    if _JSON.value:
        pathlib.Path(_JSON.value).write_text(json.dumps(_figures, indent=2) + "\n", "utf-8")
