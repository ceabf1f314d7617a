"""The measurements of a training, a row an epoch, as a table on disk."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from nos_tf import run_folder
from nos_tf.errors import RunError

Row = dict[str, float]  # By name: "epoch", "loss" and "accuracy" of its batches, "val_accuracy", ...


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes all rows, exact to the last digit, or leaves the earlier file.

    Raises:
      RunError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["epoch"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with run_folder.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    run_folder.write_text(path, text.getvalue())


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote; a training that diverged at once has empty fields in its last row.

    Raises:
      RunError: The file is missing or holds something else.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [{name: _number(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"The history of a training cannot be read ({error}). Received: {path}") from None


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)
