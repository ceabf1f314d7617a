"""Base of executors with several workers: assigns jobs, and retries those whose worker dies or hangs."""

from __future__ import annotations

import abc
import collections
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from nos_tf.common.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors.job import Job, Jobs, as_queue, failure

START_LIMIT = 600.0  # Seconds for a worker to start: load TensorFlow and the data, trace the training step.
_TRIES = 2


class Worker(abc.ABC):
    """A worker and its current job."""

    def __init__(self) -> None:
        self.ready = False
        self.job: Job | None = None
        self.started = time.monotonic()

    def start(self, job: Job) -> None:
        """Assigns a job to the worker."""
        self.job = job
        self.started = time.monotonic()
        self.send(job.to_json())

    @abc.abstractmethod
    def send(self, value: Mapping[str, Any]) -> None:
        """Sends plain data; does not fail if the worker is gone."""

    @abc.abstractmethod
    def kill(self) -> None:
        """Kills the worker."""

    def seconds_left(self, limit: float) -> float:
        """Seconds until the worker counts as hung; infinite if it is idle."""
        if self.ready and self.job is None:
            return math.inf
        return self.started + self.limit(limit) - time.monotonic()

    def limit(self, limit: float) -> float:
        """Seconds for what the worker is doing: the given ones for a trial, more for its start."""
        return limit if self.ready else START_LIMIT


AnyWorker = TypeVar("AnyWorker", bound=Worker)


class Crew(abc.ABC, Generic[AnyWorker]):
    """An executor with several workers. A worker that dies or hangs is replaced; its job is retried once.

    Args:
      trial_timeout: Seconds per job after which a worker counts as hung.
      log: Where to find the workers' logs, for error messages.
    """

    def __init__(self, trial_timeout: float, log: str):
        self._limit = trial_timeout
        self._log_name = log
        self._workers: list[AnyWorker] = []
        self._failed_starts = 0  # In a row.

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        """Yields each job with its result as it finishes.

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
                        reason, counts_as_try = self._remove(worker)
                        if worker.job is None:
                            continue
                        tries[worker.job.id] += counts_as_try
                        if tries[worker.job.id] < _TRIES:
                            waiting.appendleft(worker.job)
                        else:
                            yield worker.job, failure(f"{reason}, {_TRIES} times; see {self._log_name}")
                        continue
                    for message in messages:
                        if (finished := self._handle(worker, message)) is not None:
                            yield finished
        finally:
            # If the caller stops early, no worker must keep running a job.
            for worker in self._busy():
                self._workers.remove(worker)
                worker.kill()

    def _busy(self) -> list[AnyWorker]:
        return [worker for worker in self._workers if worker.job is not None]

    def _finish(self, worker: AnyWorker, message: Mapping[str, Any]) -> tuple[Job, Evaluation]:
        """Marks the worker as free, and returns its job with the result."""
        job, worker.job = worker.job, None
        assert job is not None
        assert job.id == message["id"]
        return job, Evaluation.from_json(message["evaluation"])

    @abc.abstractmethod
    def _fill(self, left: int) -> None:
        """Starts missing workers, given the number of remaining jobs."""

    @abc.abstractmethod
    def _wait(self) -> Sequence[tuple[AnyWorker, list[dict[str, Any]] | None]]:
        """Returns the workers that sent messages, and with None those that died or exceeded their time limit."""

    def _handle(self, worker: AnyWorker, message: Mapping[str, Any]) -> tuple[Job, Evaluation] | None:
        """Handles a message; returns a job with its result if the message completes one.

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
        """Where to look for a worker's log, as the end of a sentence."""

    @abc.abstractmethod
    def _remove(self, worker: AnyWorker) -> tuple[str, bool]:
        """Cleans up a worker that died or hung; returns the reason, and whether its job may be the cause."""
