"""One piece of work for an executor, and what an executor must offer."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from nos_tf.dsl import Program
from nos_tf.evaluation.result import FAILED, Evaluation


@dataclasses.dataclass(frozen=True)
class Job:
    """A rule to train.

    Attributes:
      id: Tells the jobs of one call apart.
      program: The rule.
      seed: Seed of the training.
      learning_rate: Train once with this rate; without it, the search's own protocol.
      split: What one training is measured on: "validation" or "test".
      long: Whether it is a long one.
    """

    id: int
    program: Program
    seed: int
    learning_rate: float | None = None
    split: str = "validation"
    long: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields, "program": list(self.program.tokens)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        return cls(**{**data, "program": Program.from_tokens(data["program"])})


Jobs = Sequence[Job] | collections.deque[Job]


def as_queue(jobs: Jobs) -> collections.deque[Job]:
    """The jobs that wait: the caller's own queue, if it is one."""
    return jobs if isinstance(jobs, collections.deque) else collections.deque(jobs)


class Evaluates(Protocol):
    """What trains rules: `nos_tf.evaluation.Evaluator`, or a stand-in."""

    def evaluate(self, program: Program, seed: int) -> Evaluation:
        """Reward of a rule."""

    def train(self, program: Program, learning_rate: float, seed: int, split: str, long: bool) -> Evaluation:
        """One training of a rule, measured on a split."""


class Executor(Protocol):
    """Runs jobs; keeps nothing from one call to the next. A context manager that frees what it holds."""

    @property
    def workers(self) -> int:
        """Number of jobs that can be under way at once, now."""

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        """Yields each job with its result as it is finished, in any order.

        Args:
          jobs: What to run. A deque is emptied from its left, and may be added to while results are read.

        Raises:
          RunError: No job can be run at all.
        """

    def __enter__(self) -> Executor: ...

    def __exit__(self, *_: object) -> None: ...


def perform(evaluator: Evaluates, job: Job) -> Evaluation:
    """Runs one job in this process."""
    if job.learning_rate is None:
        return evaluator.evaluate(job.program, job.seed)
    return evaluator.train(job.program, job.learning_rate, job.seed, job.split, job.long)


def failure(message: str, seconds: float = 0.0) -> Evaluation:
    """The evaluation of a rule that could not be evaluated."""
    return Evaluation(0.0, FAILED, seconds=seconds, message=message)
