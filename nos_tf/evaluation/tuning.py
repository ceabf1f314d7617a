"""Chooses a rule's learning rate through short runs at the rates of the sweep."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from nos_tf.evaluation import sweep
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import SweepPoint
from nos_tf.evaluation.run import Run


class Tuning:
    """The training runs of one rule's sweep.

    Args:
      protocol: What to try, and for how long.
      sweep_epochs: Epochs to train at each rate.
      hurdle: Steps after which a trailing rate is dropped; 0 for no hurdle.
      start: Function that starts the run at a learning rate.
    """

    def __init__(self, protocol: Protocol, sweep_epochs: int, hurdle: int, start: Callable[[float], Run]):
        self._protocol = protocol
        self._reward = REWARDS[protocol.reward]
        self._epochs = sweep_epochs
        self._hurdle = hurdle
        self._start = start
        self._runs: dict[float, Run] = {}
        self._scores: dict[float, float] = {}

    def run(self, is_hopeless: Callable[[Run], bool]) -> list[Run]:
        """Performs the sweep.

        Args:
          is_hopeless: Whether to give up on a rule whose best run is this one.

        Returns:
          The runs of the finalists, best first; empty if all diverged.
        """
        grid = self._protocol.learning_rates
        self._scores.update(zip(grid, self._measure(grid), strict=True))
        sweep.extend(self._scores, self._protocol.extensions, self._measure)
        if max(self._scores.values()) == -math.inf:
            return []
        if not (self._protocol.give_up and is_hopeless(self._best)):
            sweep.refine(self._scores, self._protocol.refinements, self._measure)
        ranking = sorted(self._scores, key=lambda rate: -self._scores[rate])
        return [self._runs[rate] for rate in ranking[: self._protocol.finalists] if self._scores[rate] > -math.inf]

    @property
    def points(self) -> tuple[SweepPoint, ...]:
        """Every rate that was tried, in order."""
        return tuple(SweepPoint(rate, self._point(rate)) for rate in self._scores)

    @property
    def _best(self) -> Run:
        return self._runs[sweep.best_rate(self._scores)]

    def _point(self, rate: float) -> float | None:
        if not self._runs[rate].is_finite:
            return 0.0
        return None if self._scores[rate] == -math.inf else self._scores[rate]

    def _measure(self, rates: Sequence[float]) -> list[float]:
        runs = [self._start(rate) for rate in rates]
        self._runs.update(zip(rates, runs, strict=True))
        if self._hurdle:
            for run in runs:
                run.advance(0, self._hurdle)
            ranking = sorted(runs, key=lambda run: run.loss if run.is_finite else math.inf)
            passed = 0
            for run in ranking:  # A leader that diverges later is replaced by the next run.
                if passed < self._protocol.leaders:
                    run.advance(self._epochs)
                    passed += run.is_finite
        else:
            for run in runs:
                run.advance(self._epochs)
        return [self._score(run) for run in runs]

    def _score(self, run: Run) -> float:
        finished = run.is_finite and len(run.history) == self._epochs
        return self._reward(run.history) if finished else -math.inf
