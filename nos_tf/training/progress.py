"""Progress of a study: a live bar in a terminal, otherwise one plain line per epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import rich.progress
from rich.console import Console

from nos_tf.common.text import duration
from nos_tf.training.experiment import Experiment
from nos_tf.training.files import Row

_SPEED_SECONDS = 600.0  # Window of the average speed; long, because evaluations interrupt the steps.


class Progress:
    """Shows how far a study is and how long it will take. Use it as a context manager, which runs the live bar.

    Args:
      experiment: What is being trained.
      trainings: Number of trainings in the study.
      done: Number of trainings that earlier processes finished.
      console: Where to print; standard output by default.
      clock: Returns the time in seconds.
    """

    def __init__(
        self,
        experiment: Experiment,
        trainings: int,
        done: int,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._experiment = experiment
        self._trainings = trainings
        self._done = done
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._name = ""
        self._step = 0
        self._loss = ""
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}", markup=False),
            rich.progress.BarColumn(bar_width=20),
            rich.progress.TextColumn("{task.fields[rest]}"),
            console=self._console,
            refresh_per_second=4,
            transient=True,
            get_time=clock,
            speed_estimate_period=_SPEED_SECONDS,
        )
        self._bar.add_task("", total=trainings * experiment.total_steps, rest="")
        (self._task,) = self._bar.tasks

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def on_training(self, name: str) -> None:
        """Called when a training starts or resumes from its checkpoint."""
        self._name, self._step, self._loss = name, 0, ""
        self._show()

    def on_step(self, step: int, loss: float | None) -> None:
        """Called after a step, with the running mean of the loss if it is known."""
        self._step = step
        if loss is not None:
            self._loss = f"  loss {loss:.4g}"
        # Steps of earlier processes and steps skipped after divergence must not count toward the speed.
        self._task.completed = self._done * self._experiment.total_steps + step - 1
        self._bar.advance(self._task.id)
        self._show()

    def on_epoch(self, row: Row) -> None:
        """Called after an epoch, with its measurements."""
        values = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "epoch")
        self._console.print(f"{self._head()}  {values}  {self._rest()}", soft_wrap=True)

    def on_result(self) -> None:
        """Called after a training has ended and been stored."""
        self._done += 1
        self._step = 0

    def _show(self) -> None:
        steps = self._experiment.steps_per_epoch
        within = f"step {(self._step - 1) % steps + 1 if self._step else 0}/{steps}"
        self._bar.update(self._task.id, description=f"{self._head()}  {within}{self._loss}", rest=self._rest())

    def _head(self) -> str:
        epoch = min(-(-max(self._step, 1) // self._experiment.steps_per_epoch), self._experiment.epochs)
        training = min(self._done + 1, self._trainings)
        return f"[{training}/{self._trainings}] {self._name}  epoch {epoch}/{self._experiment.epochs}"

    def _rest(self) -> str:
        speed, left = self._task.speed, self._task.time_remaining
        rate = "-" if speed is None else f"{speed * self._experiment.examples_per_step:,.0f}"
        return f"{rate} {self._experiment.unit}/s  ETA {'-' if left is None else duration(left)}"
