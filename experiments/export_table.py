"""Writes a table of rules as CSV: python -m experiments.export_table --table=digits --output=digits.csv

Writes one row per distinct rule, best first, with the results of its training and, where available, means over seeds,
results on test data and the reward on the second task.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from absl import flags

from experiments import tables
from nos_tf.cli import application, path_flags
from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.table import Table, TestRow

HEADER = (
    *("rank", "rule", "status", "reason", "value", "reward", "learning_rate", "accuracy", "steps", "seconds"),
    *(f"test_{name}" for name in TestRow._fields),
    "second_task_reward",
)


def main() -> NoReturn:
    """Writes the file and exits."""
    flags.DEFINE_string("table", "digits", "Table to write.")
    path_flags.define("output", None, "Output file; by default the table's name with .csv.")
    application.run(_main, "Interrupted.")


def _main() -> None:
    values = flags.FLAGS
    table = tables.load(values.table)
    path = Path(values.output or f"{values.table}.csv")
    if path.exists():
        raise RunError(f"The file already exists; choose another name or remove it. Received: --output={path}")
    if not path.parent.is_dir():
        raise RunError(f"The folder of the file does not exist; create it first. Received: --output={path}")
    with run_folder.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(lines(table))
    print(f"{path}: {len(table):,} rules", flush=True)


def lines(table: Table) -> Iterator[list[Any]]:
    """Yields the cells of each rule in the order of `HEADER`, by rank; values that were not measured are empty."""
    content, facts = table.content, table.content.facts
    test = {int(number): row.tolist() for number, row in zip(content.best, content.test, strict=True)}
    second = {int(number): float(value) for number, value in zip(content.second, content.second_reward, strict=True)}
    for number in np.argsort(table.ranks):
        row = table.row(number)
        yield [
            int(table.ranks[number]),
            row.rule,
            row.status,
            facts["reasons"][content.reason[number]],
            *map(_rounded, (table.values[number], row.reward, row.learning_rate, content.accuracy[number])),
            int(content.steps[number]),
            _rounded(row.seconds),
            *map(_rounded, test.get(int(number), [None] * len(TestRow._fields))),
            _rounded(second.get(int(number))),
        ]


def _rounded(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.6g}"


if __name__ == "__main__":
    main()
