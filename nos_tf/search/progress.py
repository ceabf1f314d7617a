"""Live progress of a run: a table in a terminal, otherwise a plain line every few seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from nos_tf.common.text import duration
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.evaluation.result import FAILED, TRAINED
from nos_tf.search.observer import Observer
from nos_tf.search.trial import Batch, Trial

_LINE_INTERVAL = 5.0  # Seconds between log lines.


class Status(Observer):
    """Keeps the displayed figures up to date.

    Args:
      plan: Approximate work of each phase of the run, in order, to estimate the remaining time.
      clock: Returns the time in seconds.
    """

    def __init__(self, plan: Mapping[str, float], clock: Callable[[], float] = time.monotonic):
        self.phase = "start"
        self.done = self.phase_total = 0
        self.failed = self.duplicates = 0
        self.best: Trial | None = None
        self.entropy: float | None = None
        self.staleness: float | None = None
        self._plan = dict(plan)
        self._pieces: dict[str, float] = {}
        self._clock = clock
        self._worked = 0.0
        self._phase_worked = 0
        self._phase_trained = 0.0
        self._first_result: float | None = None
        self._phase_started = clock()

    def on_warning(self, message: str) -> None:
        print(f"Warning: {message}", file=sys.stderr, flush=True)

    def on_phase(self, name: str, done: int, total: int) -> None:
        self.phase, self.done, self.phase_total = name, done, total
        # Later rounds of a phase keep the work per result of the first round.
        self._pieces.setdefault(name, self._plan.get(name, 0.0) / max(total, 1))
        self.staleness = None
        self._phase_worked = 0
        self._phase_trained = 0.0
        self._phase_started = self._clock()

    def on_start(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._count(trial)

    def on_trial(self, trial: Trial) -> None:
        self._count(trial)
        self._phase_trained += 0.0 if trial.evaluation is None else trial.evaluation.seconds
        if trial.duplicate_of is None:
            self.on_result()

    def on_batch(self, batch: Batch) -> None:
        self.entropy = batch.metrics.get("entropy", self.entropy)
        self.staleness = batch.metrics.get("staleness")

    def on_result(self) -> None:
        if self._first_result is None:
            self._first_result = self._clock()
        else:
            self._worked += self._pieces.get(self.phase, 0.0)
        self.done += 1
        self._phase_worked += 1

    def _count(self, trial: Trial) -> None:
        self.duplicates += trial.duplicate_of is not None
        self.failed += trial.status == FAILED
        if trial.status == TRAINED and (self.best is None or trial.reward > self.best.reward):
            self.best = trial

    @property
    def rate(self) -> float | None:
        """Trials per minute in this phase."""
        elapsed = self._clock() - self._phase_started
        return 60.0 * self._phase_worked / elapsed if self._phase_worked and elapsed > 0 else None

    @property
    def busy(self) -> float | None:
        """Average number of busy workers in this phase."""
        elapsed = self._clock() - self._phase_started
        return self._phase_trained / elapsed if self._phase_trained and elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated time left; ignores the first result, which includes the start of the workers."""
        if self._first_result is None or not self._worked:
            return None
        names = list(self._plan)
        later = names[names.index(self.phase) + 1 :] if self.phase in names else []
        left = (self.phase_total - self.done) * self._pieces.get(self.phase, 0.0) + sum(
            self._plan[name] for name in later
        )
        return (self._clock() - self._first_result) / self._worked * left

    def rows(self) -> dict[str, str]:
        """Displayed figures by name, in order."""
        best = "none yet" if self.best is None else f"{self.best.reward:.4f}  {simplest_text(self.best.program)}"
        late = {} if self.staleness is None else {"updates late": f"{self.staleness:.1f}"}
        return {
            "phase": f"{self.phase} {self.done}/{self.phase_total}",
            "failed": str(self.failed),
            "duplicate": str(self.duplicates),
            "trials/min": "-" if self.rate is None else f"{self.rate:.0f}",
            "busy": "-" if self.busy is None else f"{self.busy:.1f}",
            **late,
            "entropy": "-" if self.entropy is None else f"{self.entropy:.2f}",
            "ETA": "-" if self.seconds_left is None else duration(self.seconds_left),
            "best": best,
        }


class LogLines(Status):
    """Prints a line from time to time, for a log file or a pipe."""

    def __init__(self, plan: Mapping[str, float], clock: Callable[[], float] = time.monotonic):
        super().__init__(plan, clock)
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
def display(plan: Mapping[str, float]) -> Iterator[Status]:
    """Context that shows the run's progress on standard output."""
    if not sys.stdout.isatty():
        yield LogLines(plan)
        return
    status = Status(plan)
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
