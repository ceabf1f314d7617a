"""Evaluates programs on a task: the reward of the search, and the test of its winners."""

from __future__ import annotations

import functools
import time

from nos_tf import tasks
from nos_tf.dsl import Program, parse
from nos_tf.evaluation import result
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import EpochResult, Evaluation, SweepPoint
from nos_tf.evaluation.screening import screen
from nos_tf.evaluation.trainer import Trainer

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
        self._test_epochs = task.test_epochs or self._epochs
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
        if reason := screen([program])[0]:
            return Evaluation(0.0, result.SCREENED, message=reason)
        sweep_epochs = self._protocol.sweep_epochs
        histories = self.histories(program, sweep_epochs, seed)
        finished = {rate: history for rate, history in histories.items() if len(history) == sweep_epochs}
        scores = {rate: self._reward(history) for rate, history in finished.items()}
        if not finished:
            evaluation = Evaluation(0.0, result.DIVERGED, message="every learning rate diverged")
        else:
            best = max(scores, key=lambda rate: scores[rate])
            if finished[best][-1].accuracy <= self._trainer.chance(_CHANCE_DEVIATIONS):
                evaluation = Evaluation(scores[best], result.UNTRAINED, best)
            else:
                evaluation = self._longer_run(program, best, self._epochs, seed)
        sweep = tuple(SweepPoint(rate, scores.get(rate, 0.0)) for rate in self._protocol.learning_rates)
        return evaluation.replace(sweep=sweep, seconds=time.perf_counter() - start)

    def test(self, program: Program, learning_rate: float, seed: int) -> Evaluation:
        """Trains anew at a given learning rate, and measures on the test split, which no search reads.

        Args:
          program: The update rule.
          learning_rate: Its learning rate.
          seed: A seed that the search has not used.
        """
        start = time.perf_counter()
        evaluation = self._longer_run(program, learning_rate, self._test_epochs, seed)
        score = self._trainer.score("test") if evaluation.status == result.TRAINED else None
        return evaluation.replace(test_accuracy=score.accuracy if score else None, seconds=time.perf_counter() - start)

    def histories(self, program: Program, epochs: int, seed: int) -> dict[float, list[EpochResult]]:
        """The finished epochs of a training at every learning rate of the sweep."""
        return {rate: self._run(program, rate, epochs, seed) for rate in self._protocol.learning_rates}

    def _longer_run(self, program: Program, rate: float, epochs: int, seed: int) -> Evaluation:
        history = self._run(program, rate, epochs, seed)
        if len(history) < epochs:
            message = f"diverged in epoch {len(history) + 1}"
            return Evaluation(0.0, result.DIVERGED, rate, history=tuple(history), message=message)
        return Evaluation(
            self._reward(history), result.TRAINED, rate, accuracy=history[-1].accuracy, history=tuple(history)
        )

    def _run(self, program: Program, rate: float, epochs: int, seed: int) -> list[EpochResult]:
        """The finished epochs of a training; fewer than asked for if it diverged."""
        history: list[EpochResult] = []
        self._trainer.reset(seed)
        for epoch in range(epochs):
            loss = self._trainer.train_epoch(program, rate, epoch, epochs, seed)
            if loss is None:
                break
            score = self._trainer.score("validation")
            if not score.is_finite:
                break
            history.append(EpochResult(loss, score.accuracy, score.log_likelihood))
        return history


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
