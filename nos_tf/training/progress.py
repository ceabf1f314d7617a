"""How a study goes on: a live line in a terminal, a plain line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from nos_tf.text import duration
from nos_tf.training.experiment import Experiment
from nos_tf.training.history import Row


class Progress:
    """Hears of every step, epoch and training of a study, and shows where it is and how long it will take.

    Use it as a context, which holds the live line.
    """

    def __init__(
        self,
        experiment: Experiment,
        trainings: int,
        done: int,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Nothing is shown yet.

        Args:
          experiment: What is trained.
          trainings: How many trainings the study has.
          done: How many of them earlier processes have finished.
          console: Where to print; standard output by default.
          clock: Seconds.
        """
        self._experiment = experiment
        self._trainings = trainings
        self._done = done
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._clock = clock
        self._started: float | None = None
        self._made = 0  # Steps of this process.
        self._name = ""
        self._step = 0
        self._loss: float | None = None
        self._live = Live(
            Text(), console=self._console, refresh_per_second=4, transient=True, get_renderable=self._line
        )

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def on_training(self, name: str) -> None:
        """The next training begins, or goes on from its checkpoint."""
        self._name, self._step, self._loss = name, 0, None
        if self._started is None:
            self._started = self._clock()

    def on_step(self, step: int, loss: float | None) -> None:
        """A step was made; its running mean loss where it is known."""
        self._step = step
        self._made += 1
        self._loss = self._loss if loss is None else loss

    def on_epoch(self, row: Row) -> None:
        """An epoch was measured."""
        values = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "epoch")
        self._console.print(f"{self._head()}  {values}  {self._rest()}", soft_wrap=True)

    def on_result(self) -> None:
        """The training has ended and is stored."""
        self._done += 1
        self._step = 0

    @property
    def rate(self) -> float | None:
        """Steps a second of this process, measurements between them included."""
        elapsed = self._clock() - self._started if self._started is not None else 0.0
        return self._made / elapsed if self._made and elapsed > 0 else None

    def eta(self) -> str:
        """Estimate for the rest of the study."""
        left = (self._trainings - self._done) * self._experiment.total_steps - self._step
        return "-" if self.rate is None else duration(max(left, 0) / self.rate)

    def _head(self) -> str:
        epoch = min(-(-max(self._step, 1) // self._experiment.steps_per_epoch), self._experiment.epochs)
        training = min(self._done + 1, self._trainings)
        return f"[{training}/{self._trainings}] {self._name}  epoch {epoch}/{self._experiment.epochs}"

    def _line(self) -> Text:
        steps = self._experiment.steps_per_epoch
        within = f"step {(self._step - 1) % steps + 1 if self._step else 0}/{steps}"
        loss = "" if self._loss is None else f"  loss {self._loss:.4g}"
        return Text(f"{self._head()}  {within}{loss}  {self._rest()}", overflow="ellipsis", no_wrap=True)

    def _rest(self) -> str:
        rate = "-" if self.rate is None else f"{self.rate * self._experiment.examples_per_step:,.0f}"
        return f"{rate} {self._experiment.unit}/s  ETA {self.eta()}"
