"""Evaluates programs on several tasks, for one reward that no single task can buy."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf import tasks
from nos_tf.dsl import Program
from nos_tf.evaluation.evaluator import Evaluator
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.tasks import suite


class SuiteEvaluator:
    """Evaluates any number of programs, one after the other, each with rates tuned anew on every task.

    A rule that the first task does not train is not tried on the others, which count as 0 then.

    Args:
      names: Tasks of `nos_tf.tasks.suite.SEARCH`; what most rules fail on first.
      data_dir: Folder of prepared data sets, or None for the default one.
    """

    def __init__(self, names: Sequence[str], data_dir: str | None = None):
        self._evaluators = {name: Evaluator(tasks.get(name), data_dir=data_dir) for name in names}

    def evaluate(self, program: Program, seed: int = 0) -> Evaluation:
        """The program's score over the tasks as reward, with the evaluation on each as a part.

        Args:
          program: The update rule.
          seed: As of `Evaluator.evaluate`, on every task.
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
        """Refused: each task has a learning rate of its own.

        Raises:
          ValueError: Always.
        """
        raise ValueError(
            f"A suite's tasks have learning rates of their own; train on one of them. Received: {learning_rate=}"
        )
