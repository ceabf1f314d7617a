"""Candidates for the race: the best rules of every search and of the table of all one-group rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import nos_tf
from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.dsl import Program
from nos_tf.search.known import keys_of
from nos_tf.search.race import ranked
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES

FILE = "candidates.json"


class Candidate(NamedTuple):
    """A rule in the race.

    Attributes:
      program: The rule.
      found_by: Description of where it was found.
      reward: Its reward there.
    """

    program: Program
    found_by: str
    reward: float


def stores(folder: Path) -> list[Path]:
    """Stores of the searches in a folder.

    Raises:
      RunError: There are none.
    """
    paths = sorted(folder.glob("*.sqlite"))
    if not paths:
        raise RunError(f"The folder contains no search; name the run folder of one. Received: {folder}")
    return paths


def load(path: Path, sources: Sequence[Path], table: str | None, count: int) -> list[Candidate]:
    """Loads the candidates from a file, or collects them from the sources if it is missing.

    Args:
      path: The file; it never changes once written, even if a search continues.
      sources: Stores of searches.
      table: Name of a table of all one-group rules, or None.
      count: Number of best rules to take from each source.
    """
    if not path.exists():
        candidates = [one for source in sources for one in _of_search(source, count)]
        if table is not None:
            candidates += [
                Candidate(nos_tf.parse(row.rule), f"table of {table}", row.reward)
                for row in nos_tf.table.load(table).best(count)
            ]
        rows = [
            {"rule": str(program), "tokens": list(program.tokens), "found_by": found_by, "reward": reward}
            for program, found_by, reward in distinct(candidates)
        ]
        run_folder.write_json(path, {"candidates": rows})
    return [
        Candidate(Program.from_tokens(row["tokens"]), row["found_by"], row["reward"])
        for row in run_folder.read_json(path)["candidates"]
    ]


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Drops candidates that equal a baseline or an earlier candidate, by algebra or behavior."""
    known = {key for keys in keys_of([nos_tf.parse(text) for text in BASELINES.values()]) for key in keys}
    kept = []
    for one, keys in zip(candidates, keys_of([one.program for one in candidates]), strict=True):
        if known.isdisjoint(keys):
            kept.append(one)
        known.update(keys)
    return kept


def _of_search(path: Path, count: int) -> Iterator[Candidate]:
    with Store.read(path) as store:
        for trial in ranked(store.trials())[:count]:
            groups = trial.program.num_groups
            yield Candidate(trial.program, f"{trial.source}, {groups} group{'s' * (groups > 1)}", trial.reward)
