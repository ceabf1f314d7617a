"""Writes the leaderboard to the run folder as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nos_tf.common import run_folder
from nos_tf.common.leaderboard import LEADERBOARD
from nos_tf.common.statistics import Interval
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.search import files, race
from nos_tf.search.reports.leaderboard import Standing, leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.verdicts import Comparison


def write(run: RunData, folder: Path) -> None:
    """Writes the leaderboard and all differences to the run folder, if the race has reached the test.

    Raises:
      RunError: A file cannot be written.
    """
    board, long = leaderboard(run), leaderboard(run, race.LONG_TEST)
    if board is None:
        return
    winner = None if board.winner is None else simplest_text(board.winner.program)
    content = {"winner": winner, "rules": [_row(one) for one in board.standings]}
    run_folder.write_text(folder / LEADERBOARD, json.dumps(content, indent=2) + "\n")
    later = {one.program: one for one in long.standings} if long else {}
    rows = []
    for one in board.standings:
        row = _flat(_row(one)) | _accuracy(one)
        if one.program in later:
            row |= {f"long_{name}": value for name, value in _long(later[one.program]).items()}
        rows.append(row)
    run_folder.write_text(folder / files.LEADERBOARD_TABLE, _csv(rows))
    differences = [
        {"length": length, "rule": simplest_text(one.program), "baseline": name, **_comparison(pair)}
        for length, tested in (("task", board), ("long", long))
        if tested is not None
        for one in tested.finalists
        for name, pair in one.against.items()
    ]
    run_folder.write_text(folder / files.DIFFERENCES, _csv([_flat(row) for row in differences]))


def _row(one: Standing) -> dict[str, Any]:
    # The best baseline is not compared with itself.
    none = {"difference": 0.0, "difference_interval": [0.0, 0.0], "p": 1.0, "seeds": one.seeds}
    compared = _comparison(one.difference) if one.difference else none
    return {
        "rule": simplest_text(one.program),
        "name": one.name,
        "found_by": one.found_by,
        "learning_rate": one.learning_rate,
        "reward": one.searched,
        "test_mean": one.reward.mean,
        "test_interval": _interval(one.reward),
        "seeds": one.seeds,
        **{name: compared[name] for name in ("difference", "difference_interval", "p")},
        "verdict": one.verdict,
    }


def _comparison(pair: Comparison) -> dict[str, Any]:
    return {
        "difference": pair.difference,
        "difference_interval": _interval(Interval(pair.difference, pair.half_width)),
        "p": pair.p,
        "seeds": pair.seeds,
        "verdict": pair.verdict,
    }


def _accuracy(one: Standing) -> dict[str, Any]:
    return _flat({"test_accuracy": one.accuracy.mean, "test_accuracy_interval": _interval(one.accuracy)})


def _long(one: Standing) -> dict[str, Any]:
    row = _flat(_row(one)) | _accuracy(one)
    return {name: value for name, value in row.items() if name not in ("rule", "name", "found_by", "reward")}


def _interval(interval: Interval) -> list[float] | None:
    """Both ends of an interval; None for a single value."""
    if interval.half_width is None:
        return None
    return [interval.mean - interval.half_width, interval.mean + interval.half_width]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Splits the intervals in a row into two columns each."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("interval"):
            low, high = value or (None, None)
            stem = name.removesuffix("interval")
            flat |= {f"{stem}low": low, f"{stem}high": high}
        else:
            flat[name] = value
    return flat


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    content = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(content, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()
