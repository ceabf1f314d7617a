"""Evaluates programs on a task: the reward of the search, and the training runs that judge its results."""

from __future__ import annotations

import time

from nos_tf import tasks
from nos_tf.dsl import Program
from nos_tf.evaluation import result
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import EpochResult, Evaluation
from nos_tf.evaluation.run import Run
from nos_tf.evaluation.screening import screen
from nos_tf.evaluation.trainer import Trainer
from nos_tf.evaluation.tuning import Tuning

LONG = 5  # Length of a long run in units of the usual one, for tasks that do not set it.
_CHANCE_DEVIATIONS = 3.0  # Standard errors above chance at which a child counts as trained.


class Evaluator:
    """Evaluates any number of programs, one after another, with graphs that are built once.

    Args:
      task: Data, network and budget.
      protocol: Sweep, run and reward.
      data_dir: Folder of prepared data sets, or None for the default one.
      trainer: The task's child network, if shared with another evaluator; by default, a new one.
    """

    def __init__(
        self,
        task: tasks.Task,
        protocol: Protocol | None = None,
        data_dir: str | None = None,
        trainer: Trainer | None = None,
    ):
        self._protocol = protocol or Protocol()
        self._epochs = self._protocol.epochs or task.epochs
        self._sweep_epochs = min(self._protocol.sweep_epochs, self._epochs)
        self._long_epochs = task.test_epochs or LONG * self._epochs
        self._reward = REWARDS[self._protocol.reward]
        self._trainer = trainer or Trainer(task, data_dir)

    @property
    def trainer(self) -> Trainer:
        """The child network."""
        return self._trainer

    def evaluate(self, program: Program, seed: int = 0) -> Evaluation:
        """Evaluates a program; the same seed gives the same result.

        Args:
          program: The update rule.
          seed: Seed of the child's initial weights, the order of the examples and the rule's random draws.
        """
        start, steps = time.perf_counter(), self._trainer.all_steps
        if reason := screen([program])[0]:
            return Evaluation(0.0, result.SCREENED, message=reason)
        # Before the epoch ends, since a finished epoch has no running loss.
        hurdle = min(round(self._protocol.hurdle * self._trainer.steps_per_epoch), self._trainer.steps_per_epoch - 1)
        tuning = Tuning(
            self._protocol,
            self._sweep_epochs,
            hurdle,
            lambda rate: Run(self._trainer, program, rate, seed, self._epochs),
        )
        finalists = tuning.run(self._is_at_chance)
        if not finalists:
            evaluation = Evaluation(0.0, result.DIVERGED, message="every learning rate diverged")
        elif self._is_at_chance(finalists[0]):
            best = finalists[0]
            evaluation = Evaluation(self._reward(best.history), result.UNTRAINED, best.learning_rate)
        else:
            for run in finalists:
                run.advance(self._epochs)
            evaluation = max(map(self._rewarded, finalists), key=lambda evaluation: evaluation.reward)
        return evaluation.replace(
            sweep=tuning.points, seconds=time.perf_counter() - start, steps=self._trainer.all_steps - steps
        )

    def train(
        self, program: Program, learning_rate: float, seed: int, split: str = "validation", long: bool = False
    ) -> Evaluation:
        """Trains once at a given learning rate; reward, accuracy and history are those on the split.

        Args:
          program: The update rule.
          learning_rate: Its learning rate.
          seed: Seed of the initial weights, the order of the examples and the rule's random draws.
          split: "validation", or "test", which no search reads.
          long: Whether to train for the task's `test_epochs` or, if unset, for `LONG` times its usual length.
        """
        start, steps = time.perf_counter(), self._trainer.all_steps
        epochs = self._long_epochs if long else self._epochs
        run = Run(self._trainer, program, learning_rate, seed, epochs, split)
        run.advance(epochs)
        return self._rewarded(run).replace(seconds=time.perf_counter() - start, steps=self._trainer.all_steps - steps)

    def histories(self, program: Program, epochs: int, seed: int) -> dict[float, list[EpochResult]]:
        """The finished epochs of a training run at each learning rate of the grid."""
        runs = [Run(self._trainer, program, rate, seed, epochs) for rate in self._protocol.learning_rates]
        for run in runs:
            run.advance(epochs)
        return {run.learning_rate: run.history for run in runs}

    def _is_at_chance(self, run: Run) -> bool:
        return run.history[-1].accuracy <= self._trainer.chance(_CHANCE_DEVIATIONS)

    def _rewarded(self, run: Run) -> Evaluation:
        history = tuple(run.history)
        if not run.is_finite:
            message = f"diverged in epoch {len(history) + 1}"
            return Evaluation(0.0, result.DIVERGED, run.learning_rate, history=history, message=message)
        return Evaluation(
            self._reward(history), result.TRAINED, run.learning_rate, accuracy=history[-1].accuracy, history=history
        )
