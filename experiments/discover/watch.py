"""Prints the progress of a stage, and stops it when the time is up; results are stored before observers are called."""

from __future__ import annotations

import time

from experiments.pieces import Work
from nos_tf.search.observer import Observer
from nos_tf.search.trial import Trial

_SECONDS = 60.0  # Seconds between progress lines.


class OutOfTimeError(Exception):
    """The time for this run is up; finished results are stored."""


class Watch(Observer):
    """Observes the results of a stage.

    Args:
      work: Determines when the time is up.
      name: Name of the stage.
    """

    def __init__(self, work: Work, name: str):
        self._work = work
        self._name = name
        self._phase, self._done, self._total = "", 0, 0
        self._printed = time.monotonic()

    def on_phase(self, name: str, done: int, total: int) -> None:
        self._phase, self._done, self._total = name, done, total
        self._print()

    def on_trial(self, trial: Trial) -> None:
        """Counts distinct rules."""
        if trial.duplicate_of is None:
            self.on_result()

    def on_result(self) -> None:
        """Raises:
        OutOfTimeError: The time is up.
        """
        self._done += 1
        if time.monotonic() - self._printed >= _SECONDS:
            self._print()
        if self._work.is_over:
            raise OutOfTimeError

    def _print(self) -> None:
        self._printed = time.monotonic()
        print(f"{self._name}: {self._phase}, {self._done} of {self._total}", flush=True)
