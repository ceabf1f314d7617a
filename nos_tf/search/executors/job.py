"""Jobs, and the interfaces of executors and evaluators."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from nos_tf.common.errors import RunError
from nos_tf.dsl import Program
from nos_tf.evaluation.result import FAILED, Evaluation
from nos_tf.search.confirmation import Confirmation


@dataclasses.dataclass(frozen=True)
class Job:
    """A rule to train.

    Attributes:
      id: Identifies the job within one call.
      program: The rule.
      seed: Seed of the training.
      learning_rate: Rate of a single training; None to evaluate the rule by the search's protocol.
      split: Data on which a single training is evaluated: "validation" or "test".
      long: Whether a single training is a long one.
      confirmation: Whether and how the evaluation by the search's protocol is confirmed with further seeds.
    """

    id: int
    program: Program
    seed: int
    learning_rate: float | None = None
    split: str = "validation"
    long: bool = False
    confirmation: Confirmation | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns plain data for `from_json`."""
        return {**dataclasses.asdict(self), "program": list(self.program.tokens)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        confirmation = data["confirmation"] and Confirmation.from_json(data["confirmation"])
        return cls(**{**data, "program": Program.from_tokens(data["program"]), "confirmation": confirmation})


Jobs = Sequence[Job] | collections.deque[Job]


def as_queue(jobs: Jobs) -> collections.deque[Job]:
    """Returns the jobs as a queue, without copying one."""
    return jobs if isinstance(jobs, collections.deque) else collections.deque(jobs)


class Evaluates(Protocol):
    """Interface of evaluators, such as `nos_tf.evaluation.Evaluator`."""

    def evaluate(self, program: Program, seed: int) -> Evaluation:
        """Evaluates a rule by the search's protocol."""

    def train(self, program: Program, learning_rate: float, seed: int, split: str, long: bool) -> Evaluation:
        """Trains a rule once, and evaluates it on a split."""


class Executor(Protocol):
    """Runs jobs; keeps no state between calls. A context manager that releases its resources on exit."""

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        """Yields each job with its result as it finishes, in any order.

        Args:
          jobs: Jobs to run. A deque is consumed from the left, and jobs may be added while results are read.

        Raises:
          RunError: No job can be run at all.
        """

    def __enter__(self) -> Executor: ...

    def __exit__(self, *_: object) -> None: ...


def perform(evaluator: Evaluates, job: Job) -> Evaluation:
    """Runs one job in this process."""
    if job.learning_rate is not None:
        return evaluator.train(job.program, job.learning_rate, job.seed, job.split, job.long)
    evaluation = evaluator.evaluate(job.program, job.seed)
    if job.confirmation is None:
        return evaluation
    return job.confirmation.confirm(
        evaluation, lambda rate, seed: evaluator.train(job.program, rate, seed, job.split, job.long)
    )


def check_results(evaluations: Iterable[Evaluation]) -> None:
    """Checks that no evaluation failed, as a comparison would otherwise lack a rule or a seed.

    Raises:
      RunError: Some did; the message gives the reason of the first.
    """
    messages = [evaluation.message for evaluation in evaluations if evaluation.status == FAILED]
    if messages:
        raise RunError(
            "Trainings failed that a comparison needs; the others are stored, so remove the cause and run or resume "
            f"again. Received: {len(messages)} failed, the first with: {messages[0]}"
        )


def failure(message: str, seconds: float = 0.0) -> Evaluation:
    """Evaluation of a rule whose training failed."""
    return Evaluation(0.0, FAILED, seconds=seconds, message=message)
