"""Data of a run for reports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nos_tf.dsl import Program, canonical_key
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.search import files
from nos_tf.search.race import ranked
from nos_tf.search.store import Store
from nos_tf.search.trial import RANDOM, Baseline, Batch, Training, Trial
from nos_tf.search.verdicts import LOOKS
from nos_tf.tasks.suite import SUITES


@dataclasses.dataclass(frozen=True)
class RunData:
    """Data of one run.

    Attributes:
      name: Name of its folder.
      flags: Values of all flags.
      versions: Versions of the software it ran on.
      data_label: Description of its data.
      trials: All trials, sorted by id.
      batches: Finished batches, sorted by number.
      baselines: Known optimizers under the same protocol.
      trainings: Trainings of the race.
      raced: Number of distinct rules from which the race chose; None until it starts.
      finalists: Finalists of the race, best first; empty until they are known.
      looks: Number of looks at the test data, for which p-values are corrected.
    """

    name: str
    flags: Mapping[str, Any]
    versions: Mapping[str, str]
    data_label: str
    trials: tuple[Trial, ...]
    batches: tuple[Batch, ...]
    baselines: tuple[Baseline, ...]
    trainings: tuple[Training, ...]
    raced: int | None
    finalists: tuple[Program, ...]
    looks: int = LOOKS

    @property
    def evaluated(self) -> list[Trial]:
        """Trials of distinct rules, in the order of proposal."""
        return [trial for trial in self.trials if trial.duplicate_of is None]

    @property
    def sources(self) -> list[str]:
        """Searchers of the run, with the random reference first."""
        return sorted({trial.source for trial in self.trials}, key=lambda source: source != RANDOM)

    @property
    def reward_name(self) -> str:
        """Readable name of the reward."""
        if self.flags.get("task") in SUITES:
            return "score"
        return str(self.flags.get("reward", "reward")).replace("_", " ")

    def rewards(self, source: str) -> list[float]:
        """Rewards of a searcher's distinct rules, in the order of proposal."""
        return [trial.reward for trial in self.evaluated if trial.source == source]

    @property
    def busy_workers(self) -> float | None:
        """Average number of busy workers while any was busy; None before the first result."""
        spans = sorted(
            (trial.created - trial.evaluation.seconds, trial.created)
            for trial in self.trials
            if trial.evaluation is not None
        )
        covered, end = 0.0, -math.inf
        for start, stop in spans:
            covered += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return sum(stop - start for start, stop in spans) / covered if covered else None

    @property
    def ranking(self) -> list[Trial]:
        """Trials of distinct rules that trained, best first."""
        return ranked(self.trials)

    def known_name(self, program: Program) -> str | None:
        """Name of the baseline that a rule equals, or None."""
        names = {canonical_key(baseline.program): baseline.name for baseline in self.baselines}
        return names.get(canonical_key(program))

    def label(self, program: Program) -> str:
        """Label of a rule in tables and figures."""
        name = self.known_name(program)
        return simplest_text(program) if name is None else f"{name}: {simplest_text(program)}"


def load(folder: Path) -> RunData:
    """Reads a run, which may still be in progress.

    Raises:
      RunError: The folder holds no readable store of trials.
    """
    with Store.read(folder / files.STORE) as store, store.snapshot():
        run = store.description()
        return RunData(
            name=folder.resolve().name,
            flags=run["flags"],
            versions=run["versions"],
            data_label=run["data_label"],
            trials=tuple(store.trials()),
            batches=tuple(store.batches()),
            baselines=tuple(store.baselines()),
            trainings=tuple(store.trainings()),
            raced=run.get("raced"),
            finalists=tuple(Program.from_tokens(tokens) for tokens in run.get("finalists", ())),
            looks=LOOKS * max(1, len(run.get("tested", ()))),
        )
