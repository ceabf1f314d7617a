"""Evaluates programs on several tasks, for one reward that no single task can dominate."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf import tasks
from nos_tf.dsl import Program
from nos_tf.evaluation.evaluator import Evaluator
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.tasks import suite


class SuiteEvaluator:
    """Evaluates any number of programs, one after another, tuning the learning rate separately on every task.

    If a rule fails to train on the first task, the others are skipped and count as 0.

    Args:
      names: Tasks from `nos_tf.tasks.suite.SEARCH`, starting with the one that most rules fail on.
      data_dir: Folder of prepared data sets, or None for the default one.
    """

    def __init__(self, names: Sequence[str], data_dir: str | None = None):
        self._evaluators = {name: Evaluator(tasks.get(name), data_dir=data_dir) for name in names}

    def evaluate(self, program: Program, seed: int = 0) -> Evaluation:
        """Evaluates a program; its reward is the score over the tasks, and its parts are the evaluations on each.

        Args:
          program: The update rule.
          seed: Seed for every task, as in `Evaluator.evaluate`.
        """
        parts: dict[str, Evaluation] = {}
        for name, evaluator in self._evaluators.items():
            parts[name] = evaluator.evaluate(program, seed)
            if len(parts) == 1 and parts[name].status != TRAINED:
                break
        first = next(iter(parts.values()))
        failed = [f"{part.status} on {name}" for name, part in parts.items() if part.status != TRAINED]
        return Evaluation(
            reward=suite.mean(suite.scores({name: part.reward for name, part in parts.items()}, self._evaluators)),
            status=first.status,
            seconds=sum(part.seconds for part in parts.values()),
            steps=sum(part.steps for part in parts.values()),
            message=first.message or ", ".join(failed),
            parts=parts,
        )

    def train(
        self, program: Program, learning_rate: float, seed: int, split: str = "validation", long: bool = False
    ) -> Evaluation:
        """Not supported, since each task has its own learning rate.

        Raises:
          ValueError: Always.
        """
        raise ValueError(
            f"Each task of a suite has its own learning rate; train on one of them. Received: {learning_rate=}"
        )
