"""Finalists, frozen in a file before any held-out task can be read; the file never changes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.discover.racing import Racer
from nos_tf.common import run_folder
from nos_tf.common.versions import commit, versions
from nos_tf.dsl import Program
from nos_tf.dsl.algebra.simplest import simplest_text

FILE = "finalists.json"


class Finalist(NamedTuple):
    """A rule to test on the held-out tasks.

    Attributes:
      program: The rule.
      found_by: Description of where it was found.
      score: Its mean reward in the race.
    """

    program: Program
    found_by: str
    score: float


def freeze(path: Path, racers: Sequence[Racer], procedure: Mapping[str, Any]) -> None:
    """Writes the finalists, unless the file already exists.

    Args:
      path: The file.
      racers: The finalists, best first.
      procedure: Description of how they will be tuned and judged, JSON-serializable.
    """
    if path.exists():
        return
    content = {
        "finalists": [_row(racer, procedure["search_tasks"][0]) for racer in racers],
        "procedure": dict(procedure),
        "frozen": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "versions": versions(),
        "commit": commit(),
    }
    run_folder.write_json(path, content)


def load(path: Path) -> list[Finalist]:
    """Loads the finalists from the file.

    Raises:
      RunError: The file is missing or damaged.
    """
    return [
        Finalist(Program.from_tokens(row["tokens"]), row["found_by"], row["score"])
        for row in run_folder.read_json(path)["finalists"]
    ]


def _row(racer: Racer, first_task: str) -> dict[str, Any]:
    rates: dict[str, list[float]] = {}
    for evaluation in racer.evaluations:
        parts = evaluation.parts or {first_task: evaluation}  # A single task has no parts.
        for task, part in parts.items():
            if part.learning_rate is not None:
                rates.setdefault(task, []).append(part.learning_rate)
    return {
        "rule": simplest_text(racer.candidate.program),
        "tokens": list(racer.candidate.program.tokens),
        "found_by": racer.candidate.found_by,
        "reward_of_the_search": racer.candidate.reward,
        "score": racer.score,
        "rewards": racer.rewards,
        "learning_rates": {task: float(f"{np.exp(np.mean(np.log(each))):.4g}") for task, each in rates.items()},
    }
