"""Evaluates programs on a task: the reward of the search, and the trainings that judge what it found."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Sequence
from typing import Any

from nos_tf import tasks
from nos_tf.dsl import Program, parse
from nos_tf.evaluation import result
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import EpochResult, Evaluation, SweepPoint
from nos_tf.evaluation.screening import cannot_learn
from nos_tf.evaluation.sweep import best_rate, refined
from nos_tf.evaluation.trainer import Trainer

LONG = 5  # Times its length: the long training of a task that does not say otherwise.
_CHANCE_DEVIATIONS = 3.0  # Standard errors above chance from which a child counts as trained.


class Evaluator:
    """Evaluates any number of programs, one after the other, with graphs that are built once.

    Args:
      task: Data, network and budget.
      protocol: Sweep, run and reward.
      data_dir: Folder of prepared data sets, or None for the default one.
    """

    def __init__(self, task: tasks.Task, protocol: Protocol | None = None, data_dir: str | None = None):
        self._protocol = protocol or Protocol()
        self._epochs = self._protocol.epochs or task.epochs
        self._sweep_epochs = min(self._protocol.sweep_epochs, self._epochs)
        self._long_epochs = task.test_epochs or LONG * self._epochs
        self._reward = REWARDS[self._protocol.reward]
        self._trainer = Trainer(task, data_dir)

    @property
    def trainer(self) -> Trainer:
        """The child network."""
        return self._trainer

    def evaluate(self, program: Program, seed: int = 0) -> Evaluation:
        """The program's reward; the same seed gives the same result.

        Args:
          program: The update rule.
          seed: Seed of the child's initial weights, of the order of the examples and of the rule's random draws.
        """
        start = time.perf_counter()
        if cannot_learn(program):
            return Evaluation(0.0, result.SCREENED, message="the update does not depend on the sign of the loss")
        runs: dict[float, _Run] = {}

        def measure(rates: Sequence[float]) -> list[float]:
            for rate in rates:
                runs[rate] = _Run(program, rate, seed, self._epochs)
                self._continue(runs[rate], self._sweep_epochs)
            return [self._reward(runs[rate].history) if runs[rate].is_finite else -math.inf for rate in rates]

        protocol = self._protocol
        scores = refined(protocol.learning_rates, protocol.extensions, protocol.refinements, measure)
        best = runs[best_rate(scores)]
        if not best.is_finite:
            evaluation = Evaluation(0.0, result.DIVERGED, message="every learning rate diverged")
        elif best.history[-1].accuracy <= self._trainer.chance(_CHANCE_DEVIATIONS):
            evaluation = Evaluation(self._reward(best.history), result.UNTRAINED, best.learning_rate)
        else:
            self._continue(best, self._epochs)
            evaluation = self._rewarded(best)
        sweep = tuple(SweepPoint(rate, max(score, 0.0)) for rate, score in scores.items())
        return evaluation.replace(sweep=sweep, seconds=time.perf_counter() - start)

    def train(
        self, program: Program, learning_rate: float, seed: int, split: str = "validation", long: bool = False
    ) -> Evaluation:
        """One training at a given learning rate; reward, accuracy and history are those of the split.

        Args:
          program: The update rule.
          learning_rate: Its learning rate.
          seed: Seed of the initial weights, of the order of the examples and of the rule's random draws.
          split: "validation", or "test", which no search reads.
          long: Whether to train for the task's `test_epochs`, or else `LONG` times its length.
        """
        start = time.perf_counter()
        epochs = self._long_epochs if long else self._epochs
        run = _Run(program, learning_rate, seed, epochs, split)
        self._continue(run, epochs)
        return self._rewarded(run).replace(seconds=time.perf_counter() - start)

    def histories(self, program: Program, epochs: int, seed: int) -> dict[float, list[EpochResult]]:
        """The finished epochs of a training at every learning rate of the grid."""
        runs = [_Run(program, rate, seed, epochs) for rate in self._protocol.learning_rates]
        for run in runs:
            self._continue(run, epochs)
        return {run.learning_rate: run.history for run in runs}

    def _rewarded(self, run: _Run) -> Evaluation:
        history = tuple(run.history)
        if not run.is_finite:
            message = f"diverged in epoch {len(history) + 1}"
            return Evaluation(0.0, result.DIVERGED, run.learning_rate, history=history, message=message)
        return Evaluation(
            self._reward(history), result.TRAINED, run.learning_rate, accuracy=history[-1].accuracy, history=history
        )

    def _continue(self, run: _Run, epochs: int) -> None:
        """Trains on until so many epochs are finished, or the training diverges."""
        if run.is_finite and len(run.history) < epochs:
            if run.state is None:
                self._trainer.reset(run.seed)
            else:
                self._trainer.restore(run.state)
        while run.is_finite and len(run.history) < epochs:
            epoch = len(run.history)
            loss = self._trainer.train_epoch(run.program, run.learning_rate, epoch, run.total_epochs, run.seed)
            score = None if loss is None else self._trainer.score(run.split)
            if loss is None or score is None or not score.is_finite:
                run.is_finite = False
            else:
                run.history.append(EpochResult(loss, score.accuracy, score.log_likelihood))
        run.state = self._trainer.state() if run.is_finite and epochs < run.total_epochs else None


@dataclasses.dataclass
class _Run:
    """A training that can be continued.

    Attributes:
      program: The rule.
      learning_rate: Its learning rate.
      seed: Its seed.
      total_epochs: Its length if it is brought to the end, which the decays of a rule stretch over.
      split: What it is scored on.
      history: The epochs finished so far.
      is_finite: Whether the losses have been finite so far.
      state: The trainer's state after them; None before the first and after the last one.
    """

    program: Program
    learning_rate: float
    seed: int
    total_epochs: int
    split: str = "validation"
    history: list[EpochResult] = dataclasses.field(default_factory=list)
    is_finite: bool = True
    state: Any = None


@functools.lru_cache(maxsize=2)
def _evaluator(task: tasks.Task) -> Evaluator:
    return Evaluator(task)


def evaluate(program: Program | str, task: str | tasks.Task = "digits", seed: int = 0) -> Evaluation:
    """Trains a child network with an update rule, by the default protocol.

    Example:
    >>> nos_tf.evaluate("exp(sign(g) * sign(m)) * g", task="digits").reward

    Args:
      program: A `Program`, or its text.
      task: A task, or its name.
      seed: Seed of the initial weights, of the order of the examples and of the rule's random draws.

    Raises:
      ProgramError: The text is no program.
      ValueError: The task is unknown.
    """
    program = program if isinstance(program, Program) else parse(program)
    return _evaluator(tasks.get(task) if isinstance(task, str) else task).evaluate(program, seed)
