"""Measurements of one optimizer in one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from nos_tf.common.statistics import Interval, mean_interval
from nos_tf.paper import naming, scale
from nos_tf.paper.cells import BEST_RULE
from nos_tf.paper.results import Run, Training

_CHOSEN_BY = "final_val_accuracy"  # The best rule is selected on validation data, never by the metric that is compared.


@dataclasses.dataclass(frozen=True)
class Entry:
    """One optimizer of a run at its selected learning rate.

    Attributes:
      number: Number of the run in the ledger, from 1.
      run: The run.
      optimizer: Name of the optimizer in the run.
      trainings: Trainings at the selected rate, one per seed; all trainings if no rate was selected. In order of seeds.
      obstacles: Reasons why the entry cannot be compared with the paper; empty if it can.
    """

    number: int
    run: Run
    optimizer: str
    trainings: tuple[Training, ...]
    obstacles: tuple[str, ...]

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """The selected rate; several if seeds differ, none if no rate was selected."""
        return tuple(sorted({training.learning_rate for training in self.trainings if training.chosen}))

    @property
    def seeds(self) -> list[int]:
        """Seeds of the trainings."""
        return [training.seed for training in self.trainings]

    @property
    def diverged(self) -> int:
        """Number of trainings that diverged."""
        return sum(training.diverged for training in self.trainings)

    def values(self, metric: str) -> list[float]:
        """Values of the trainings that have the metric."""
        return [training.metrics[metric] for training in self.trainings if metric in training.metrics]

    def interval(self, metric: str) -> Interval | None:
        """Mean over seeds and its 95% confidence interval; None unless every training has the metric."""
        values = self.values(metric)
        if len(values) < len(self.trainings):
            return None
        if len(values) == 1 and scale.is_noiseless(self.run.experiment, self.run.function):
            return Interval(values[0], 0.0)
        return mean_interval(values)


class RunEntries:
    """Entries of all optimizers of a run, computed once for the whole ledger.

    Args:
      number: Number of the run in the ledger.
      run: The run.
    """

    def __init__(self, number: int, run: Run):
        self.run = run
        self._entries = [_entry(number, run, given) for given in run.optimizers]

    def of(self, wanted: str) -> list[Entry]:
        """Entries of one of the paper's optimizers, or of the run's best rule.

        Args:
          wanted: Name of the optimizer in the paper's tables, or `BEST_RULE`.
        """
        if wanted == BEST_RULE:
            return best([entry for entry in self._entries if naming.is_rule(entry.optimizer)])
        return [entry for entry in self._entries if naming.known_as(entry.optimizer) == wanted]


def numbered(runs: Sequence[Run]) -> list[RunEntries]:
    """Entries of every run, numbered from 1."""
    return [RunEntries(number, run) for number, run in enumerate(runs, start=1)]


def best(candidates: Sequence[Entry], metric: str = _CHOSEN_BY) -> list[Entry]:
    """Entry with the highest mean of a metric, in a list; empty if there are no candidates.

    If one of several candidates lacks the metric, all are returned and marked as not comparable.
    """
    if len(candidates) < 2:
        return list(candidates)
    # A rule that diverged cannot be the best.
    trained = [entry for entry in candidates if not entry.diverged] or candidates[:1]
    means = [entry.interval(metric) for entry in trained]
    if len(trained) > 1 and None in means:
        unknown = f"no {metric} for every rule to select the best"
        return [dataclasses.replace(entry, obstacles=(*entry.obstacles, unknown)) for entry in candidates]
    ranked = sorted(zip(means, trained, strict=True), key=lambda pair: pair[0].mean if pair[0] else 0.0)
    return [ranked[-1][1]]


def _entry(number: int, run: Run, optimizer: str) -> Entry:
    every = [training for training in run.trainings if training.optimizer == optimizer]
    chosen = [training for training in every if training.chosen]
    obstacles = list(scale.obstacles(run.experiment, run.dataset, run.scale, run.flags))
    paper = scale.PAPER_SCALES[run.experiment]
    settings = {training.key[:-1] for training in chosen}
    is_selected = bool(settings) if paper.rate_per_seed else len(settings) == 1
    if not is_selected and not all(training.diverged for training in every):
        obstacles.append("no learning rate selected on validation data")
    tried = len({training.learning_rate for training in every})
    if tried < paper.learning_rates:
        obstacles.append(f"{tried} of {paper.learning_rates} learning rates")
    return Entry(number, run, optimizer, tuple(sorted(chosen or every, key=lambda one: one.seed)), tuple(obstacles))
