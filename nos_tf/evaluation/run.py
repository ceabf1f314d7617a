"""A training run at one learning rate that can be interrupted and continued."""

from __future__ import annotations

import dataclasses
import math

from nos_tf.dsl import Program
from nos_tf.evaluation.result import EpochResult
from nos_tf.evaluation.trainer import State, Trainer


@dataclasses.dataclass
class Run:
    """A training run and its progress.

    Attributes:
      trainer: Trainer of the child network.
      program: The rule.
      learning_rate: Its learning rate.
      seed: Seed of the initial weights, the order of the examples and the rule's random draws.
      total_epochs: Length of the complete run, over which the decays of a rule stretch.
      split: Split that the child is scored on after each epoch.
      history: The epochs finished so far.
      steps: Steps completed in the next epoch.
      loss: Sum of the losses of these steps, in nats; NaN once training has diverged.
      state: The trainer's state after these steps; None before the first.
    """

    trainer: Trainer
    program: Program
    learning_rate: float
    seed: int
    total_epochs: int
    split: str = "validation"
    history: list[EpochResult] = dataclasses.field(default_factory=list)
    steps: int = 0
    loss: float = 0.0
    state: State | None = None

    @property
    def is_finite(self) -> bool:
        """Whether every loss has been finite so far."""
        return math.isfinite(self.loss)

    def advance(self, epochs: int, steps: int = 0) -> None:
        """Trains until the given number of epochs, and of steps in the next one, is completed or training diverges.

        An epoch ends with a score on the split.
        """
        if not self._is_before(epochs, steps):
            return
        if self.state is None:
            self.trainer.reset(self.seed)
        else:
            self.trainer.restore(self.state)
        while self._is_before(epochs, steps):
            epoch = len(self.history)
            end = self.trainer.steps_per_epoch if epoch < epochs else steps
            part = range(self.steps, end)
            loss = self.trainer.train(self.program, self.learning_rate, epoch, part, self.total_epochs, self.seed)
            self.loss, self.steps = math.nan if loss is None else self.loss + loss, end
            if self.is_finite and end == self.trainer.steps_per_epoch:
                self._finish_epoch()
        self.state = self.trainer.state()

    def _is_before(self, epochs: int, steps: int) -> bool:
        return self.is_finite and (len(self.history), self.steps) < (epochs, steps)

    def _finish_epoch(self) -> None:
        self.trainer.calibrate(len(self.history), self.seed)
        score = self.trainer.score(self.split)
        if score.is_finite:
            self.history.append(EpochResult(self.loss / self.steps, score.accuracy, score.log_likelihood))
            self.steps, self.loss = 0, 0.0
        else:
            self.loss = math.nan
