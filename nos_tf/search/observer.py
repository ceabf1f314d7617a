"""Who is told how a run goes on: the progress display, TensorBoard, a test."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf.search.trial import Batch, Trial


class Observer:
    """Hears of everything that a run does; each method does nothing by default."""

    def on_start(self, trials: Sequence[Trial]) -> None:
        """The run begins, with the trials of earlier processes if it is resumed."""

    def on_warning(self, message: str) -> None:
        """Something about the task may not be as it is meant."""

    def on_phase(self, name: str, done: int, total: int) -> None:
        """A phase begins, of which some pieces of work may be done already."""

    def on_trial(self, trial: Trial) -> None:
        """A trial was finished, or found to be a duplicate, and is stored."""

    def on_batch(self, batch: Batch) -> None:
        """The searcher learned from a batch."""

    def on_result(self) -> None:
        """A baseline or a test run was finished, and is stored."""


class Observers(Observer):
    """Tells several observers."""

    def __init__(self, *observers: Observer):
        self._observers = observers

    def on_start(self, trials: Sequence[Trial]) -> None:
        for observer in self._observers:
            observer.on_start(trials)

    def on_warning(self, message: str) -> None:
        for observer in self._observers:
            observer.on_warning(message)

    def on_phase(self, name: str, done: int, total: int) -> None:
        for observer in self._observers:
            observer.on_phase(name, done, total)

    def on_trial(self, trial: Trial) -> None:
        for observer in self._observers:
            observer.on_trial(trial)

    def on_batch(self, batch: Batch) -> None:
        for observer in self._observers:
            observer.on_batch(batch)

    def on_result(self) -> None:
        for observer in self._observers:
            observer.on_result()
