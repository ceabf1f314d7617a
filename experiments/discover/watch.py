"""Tells how far a stage is, and ends it in time: every result is stored before it is told of."""

from __future__ import annotations

import time

from experiments.pieces import Work
from nos_tf.search.observer import Observer
from nos_tf.search.trial import Trial

_SECONDS = 60.0  # Between two lines.


class OutOfTimeError(Exception):
    """The time for this run is up; what was finished is stored."""


class Watch(Observer):
    """Hears of the results of a stage.

    Args:
      work: Knows when the time is up.
      name: Of the stage.
    """

    def __init__(self, work: Work, name: str):
        self._work = work
        self._name = name
        self._phase, self._done, self._total = "", 0, 0
        self._told = time.monotonic()

    def on_phase(self, name: str, done: int, total: int) -> None:
        self._phase, self._done, self._total = name, done, total
        self._tell()

    def on_trial(self, trial: Trial) -> None:
        """Counts distinct rules."""
        if trial.duplicate_of is None:
            self.on_result()

    def on_result(self) -> None:
        """Raises:
        OutOfTimeError: The time is up.
        """
        self._done += 1
        if time.monotonic() - self._told >= _SECONDS:
            self._tell()
        if self._work.is_over:
            raise OutOfTimeError

    def _tell(self) -> None:
        self._told = time.monotonic()
        print(f"{self._name}: {self._phase}, {self._done} of {self._total}", flush=True)
