"""What executors with several workers share: who gets which job, and what becomes of one whose worker dies or hangs."""

from __future__ import annotations

import abc
import collections
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from nos_tf.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors.job import Job, Jobs, as_queue, failure

START_LIMIT = 600.0  # Seconds until a worker must be ready: TensorFlow, the data, and the traced training step.
_TRIES = 2


class Worker(abc.ABC):
    """One worker, and the job that it is busy with."""

    def __init__(self) -> None:
        self.ready = False
        self.job: Job | None = None
        self.started = time.monotonic()

    def start(self, job: Job) -> None:
        """Gives the worker a job."""
        self.job = job
        self.started = time.monotonic()
        self.send(job.to_json())

    @abc.abstractmethod
    def send(self, value: Mapping[str, Any]) -> None:
        """Sends plain data; that the worker is gone is seen later."""

    @abc.abstractmethod
    def kill(self) -> None:
        """Ends the worker at once."""

    def seconds_left(self, limit: float) -> float:
        """Seconds until a worker that has something to do counts as hanging."""
        if self.ready and self.job is None:
            return math.inf
        return self.started + (limit if self.ready else START_LIMIT) - time.monotonic()


AnyWorker = TypeVar("AnyWorker", bound=Worker)


class Crew(abc.ABC, Generic[AnyWorker]):
    """An executor of several workers. One that dies or hangs is replaced; its job gets one more try.

    Args:
      trial_timeout: Seconds after which a worker that is busy with one job counts as hanging.
      log: Where workers leave what they have to say, in words.
    """

    def __init__(self, trial_timeout: float, log: str):
        self._limit = trial_timeout
        self._log_name = log
        self._workers: list[AnyWorker] = []
        self._failed_starts = 0  # In a row.

    @property
    def workers(self) -> int:
        """Workers that are ready."""
        return sum(worker.ready for worker in self._workers)

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        """Yields each job with its result as it is finished.

        Raises:
          RunError: The workers cannot be started.
        """
        waiting = as_queue(jobs)
        tries: collections.Counter[int] = collections.Counter()
        try:
            while left := len(waiting) + len(self._busy()):
                self._fill(left)
                for worker in self._workers:
                    if waiting and worker.ready and worker.job is None:
                        worker.start(waiting.popleft())
                for worker, messages in self._wait():
                    if messages is None:
                        self._workers.remove(worker)
                        reason, blamed = self._remove(worker)
                        if worker.job is None:
                            continue
                        tries[worker.job.id] += blamed
                        if tries[worker.job.id] < _TRIES:
                            waiting.appendleft(worker.job)
                        else:
                            yield worker.job, failure(f"{reason}, {_TRIES} times; see {self._log_name}")
                        continue
                    for message in messages:
                        if (finished := self._handle(worker, message)) is not None:
                            yield finished
        finally:
            # Whoever stops reading leaves no worker with a job that nobody waits for.
            for worker in self._busy():
                self._workers.remove(worker)
                worker.kill()

    def _busy(self) -> list[AnyWorker]:
        return [worker for worker in self._workers if worker.job is not None]

    def _finish(self, worker: AnyWorker, message: Mapping[str, Any]) -> tuple[Job, Evaluation]:
        """Frees a worker that sent its result."""
        job, worker.job = worker.job, None
        assert job is not None
        assert job.id == message["id"]
        return job, Evaluation.from_json(message["evaluation"])

    @abc.abstractmethod
    def _fill(self, left: int) -> None:
        """Starts the workers that are missing, for so many jobs."""

    @abc.abstractmethod
    def _wait(self) -> Sequence[tuple[AnyWorker, list[dict[str, Any]] | None]]:
        """Messages of the workers that sent something, None for those that died or are beyond their limit."""

    def _handle(self, worker: AnyWorker, message: Mapping[str, Any]) -> tuple[Job, Evaluation] | None:
        """Takes a message; returns the job that it finishes, if it does.

        Raises:
          RunError: The worker cannot start.
        """
        if "error" in message:
            raise RunError(f"A worker cannot start: {message['error']}; {self._whereabouts(worker)}")
        if "ready" in message:
            worker.ready = True
            self._failed_starts = 0
            return None
        return self._finish(worker, message)

    @abc.abstractmethod
    def _whereabouts(self, worker: AnyWorker) -> str:
        """Where to look for what became of a worker, as the end of a sentence."""

    @abc.abstractmethod
    def _remove(self, worker: AnyWorker) -> tuple[str, bool]:
        """Ends a worker that died or hangs; says which it was, and whether its job may be the cause."""
