"""Evaluations on tasks and suites by name, with graphs that are built once."""

from __future__ import annotations

import functools

from nos_tf import tasks
from nos_tf.dsl import Program, parse
from nos_tf.evaluation.evaluator import Evaluator
from nos_tf.evaluation.result import Evaluation
from nos_tf.evaluation.suite_evaluator import SuiteEvaluator
from nos_tf.tasks import suite


@functools.lru_cache(maxsize=2)
def _evaluator(task: tasks.Task) -> Evaluator:
    return Evaluator(task)


@functools.lru_cache(maxsize=1)
def _suite_evaluator(name: str) -> SuiteEvaluator:
    return SuiteEvaluator(suite.SUITES[name])


def evaluate(program: Program | str, task: str | tasks.Task = "digits", seed: int = 0) -> Evaluation:
    """Trains a child network with an update rule, using the default protocol.

    Example:
    >>> nos_tf.evaluate("exp(sign(g) * sign(m)) * g", task="digits").reward

    Args:
      program: A `Program` or its text.
      task: A task, or the name of a task or a suite.
      seed: Seed of the initial weights, the order of the examples and the rule's random draws.

    Raises:
      ProgramError: The text is not a program.
      ValueError: The task is unknown.
    """
    program = program if isinstance(program, Program) else parse(program)
    if isinstance(task, str) and task in suite.SUITES:
        return _suite_evaluator(task).evaluate(program, seed)
    return _evaluator(tasks.get(task) if isinstance(task, str) else task).evaluate(program, seed)
