"""How a run goes on, live: a table in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from nos_tf.evaluation.result import TRAINED
from nos_tf.search.observer import Observer
from nos_tf.search.trial import Batch, Trial
from nos_tf.text import duration

_LINE_INTERVAL = 5.0  # Seconds between two lines of a log.


class Status(Observer):
    """The figures that are shown, kept up to date.

    Args:
      total: Pieces of work of the whole run (trials, baselines, test runs), for the time left.
      clock: Seconds, for the rate.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic):
        self.phase = "start"
        self.done = self.phase_total = 0
        self.failed = self.duplicates = 0
        self.best: Trial | None = None
        self.entropy: float | None = None
        self._left = total
        self._clock = clock
        self._worked = 0
        self._phase_worked = 0
        self._first_result: float | None = None
        self._phase_started = clock()

    def on_warning(self, message: str) -> None:
        print(f"Warning: {message}", file=sys.stderr, flush=True)

    def on_phase(self, name: str, done: int, total: int) -> None:
        self.phase, self.done, self.phase_total = name, done, total
        self._left -= done
        self._phase_worked = 0
        self._phase_started = self._clock()

    def on_start(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._count(trial)

    def on_trial(self, trial: Trial) -> None:
        self._count(trial)
        if trial.duplicate_of is None:
            self.on_result()

    def on_batch(self, batch: Batch) -> None:
        self.entropy = batch.metrics.get("entropy", self.entropy)

    def on_result(self) -> None:
        if self._first_result is None:
            self._first_result = self._clock()
        self.done += 1
        self._worked += 1
        self._phase_worked += 1
        self._left -= 1

    def _count(self, trial: Trial) -> None:
        self.duplicates += trial.duplicate_of is not None
        self.failed += trial.status == "failed"
        if trial.status == TRAINED and (self.best is None or trial.reward > self.best.reward):
            self.best = trial

    @property
    def rate(self) -> float | None:
        """Trials a minute in this phase."""
        elapsed = self._clock() - self._phase_started
        return 60.0 * self._phase_worked / elapsed if self._phase_worked and elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Estimate for the rest of the run, by the results after the first, which has waited for the workers' start."""
        if self._first_result is None or self._worked < 2:
            return None
        return (self._clock() - self._first_result) / (self._worked - 1) * max(self._left, 0)

    def rows(self) -> dict[str, str]:
        """What is shown, in order."""
        best = "none yet" if self.best is None else f"{self.best.reward:.4f}  {self.best.program}"
        return {
            "phase": f"{self.phase} {self.done}/{self.phase_total}",
            "failed": str(self.failed),
            "duplicate": str(self.duplicates),
            "trials/min": "-" if self.rate is None else f"{self.rate:.0f}",
            "entropy": "-" if self.entropy is None else f"{self.entropy:.2f}",
            "ETA": "-" if self.seconds_left is None else duration(self.seconds_left),
            "best": best,
        }


class LogLines(Status):
    """Prints a line now and then; for a log file or a pipe."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic):
        super().__init__(total, clock)
        self._printed: float | None = None

    def on_phase(self, name: str, done: int, total: int) -> None:
        super().on_phase(name, done, total)
        self._print()

    def on_result(self) -> None:
        super().on_result()
        if self._printed is None or self._clock() - self._printed >= _LINE_INTERVAL or self.done == self.phase_total:
            self._print()

    def _print(self) -> None:
        self._printed = self._clock()
        print("  ".join(f"{name} {value}" for name, value in self.rows().items()), flush=True)


@contextlib.contextmanager
def display(total: int) -> Iterator[Status]:
    """Shows the run's progress on standard output for the time of the context."""
    if not sys.stdout.isatty():
        yield LogLines(total)
        return
    status = Status(total)
    with Live(get_renderable=lambda: _table(status), console=Console(), refresh_per_second=4):
        yield status


def _table(status: Status) -> Table:
    rows = status.rows()
    best = rows.pop("best")
    table = Table(title="Neural Optimizer Search", caption=f"best so far: {best}", caption_justify="left", min_width=60)
    for name in rows:
        table.add_column(name, justify="left" if name == "phase" else "right", no_wrap=True)
    table.add_row(*rows.values())
    return table
