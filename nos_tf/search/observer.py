"""Callbacks for the events of a run, used by the progress display, TensorBoard and tests."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf.search.trial import Batch, Trial


class Observer:
    """Receives the events of a run; each method does nothing by default."""

    def on_start(self, trials: Sequence[Trial]) -> None:
        """Called at the start of a run, with the stored trials if it is resumed."""

    def on_warning(self, message: str) -> None:
        """Called if something about the task looks wrong."""

    def on_phase(self, name: str, done: int, total: int) -> None:
        """Called at the start of a phase, part of which may already be done."""

    def on_trial(self, trial: Trial) -> None:
        """Called after a trial, or a duplicate, has been stored."""

    def on_batch(self, batch: Batch) -> None:
        """Called after the searcher has learned from a batch."""

    def on_result(self) -> None:
        """Called after the result of a baseline or of a training in the race has been stored."""


class Observers(Observer):
    """Forwards events to several observers."""

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
