"""Runs jobs in local worker processes. A worker that dies or hangs is replaced; its job gets one more try."""

from __future__ import annotations

import collections
import contextlib
import json
import math
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nos_tf.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.run_folder import writing
from nos_tf.search.executors.job import Job, failure

COMMAND = (sys.executable, "-m", "nos_tf.search.executors.worker")
_TRIES = 2
_START_LIMIT = 600.0  # Seconds until a worker must be ready: TensorFlow, the data, and the traced training step.
_READ = 1 << 16


class _Worker:
    """One process, and the job that it is busy with."""

    def __init__(self, command: Sequence[str], description: Mapping[str, Any], log: Any):
        # In a session of its own, Ctrl-C reaches the search alone, which then ends its workers.
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input = self.process.stdin
        self.output = self.process.stdout
        self.ready = False
        self.job: Job | None = None
        self.started = time.monotonic()
        self._partial = b""
        self._send(description)

    def start(self, job: Job) -> None:
        self.job = job
        self.started = time.monotonic()
        self._send(job.to_json())

    def _send(self, value: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # Its end is seen when its output ends.
            self._input.write(json.dumps(value).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """What the worker has written since, or None once it is gone; call it when its output can be read."""
        content = os.read(self.output.fileno(), _READ)
        if not content:
            return None
        *lines, self._partial = (self._partial + content).split(b"\n")
        return [json.loads(line) for line in lines]

    def seconds_left(self, limit: float) -> float:
        """Seconds until a worker that has something to do counts as hanging."""
        if self.ready and self.job is None:
            return math.inf
        return self.started + (limit if self.ready else _START_LIMIT) - time.monotonic()

    def kill(self) -> None:
        """Ends the process at once."""
        self.process.kill()
        self._input.close()
        self.output.close()
        self.process.wait()


class WorkerProcesses:
    """An executor of local processes.

    Args:
      count: Number of workers.
      description: What a worker builds its evaluator from, as JSON can hold it.
      log: File that receives what the workers write to their standard error.
      trial_timeout: Seconds after which a worker that is busy with one job counts as hanging.
      command: The worker, if not our own; it speaks the protocol of `nos_tf.search.executors.worker`.
    """

    def __init__(
        self,
        count: int,
        description: Mapping[str, Any],
        log: Path,
        trial_timeout: float,
        command: Sequence[str] | None = None,
    ):
        self._count = count
        self._description = description
        self._log_path = log
        self._limit = trial_timeout
        self._command = command or COMMAND
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> WorkerProcesses:
        with writing(self._log_path):
            self._log = open(self._log_path, "ab")
        self._fill(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._workers.clear()
        self._log.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Evaluation]]:
        """Yields each job with its result as it is finished.

        Raises:
          RunError: The workers cannot be started.
        """
        waiting = collections.deque(jobs)
        tries: collections.Counter[int] = collections.Counter()
        left = len(jobs)
        try:
            while left:
                self._fill(min(self._count, left))
                for worker in self._workers:
                    if waiting and worker.ready and worker.job is None:
                        worker.start(waiting.popleft())
                for worker, messages in self._wait():
                    if messages is None:
                        reason = self._remove(worker)
                        if worker.job is None:
                            continue
                        tries[worker.job.id] += 1
                        if tries[worker.job.id] < _TRIES:
                            waiting.appendleft(worker.job)
                        else:
                            left -= 1
                            yield worker.job, failure(f"{reason}, {_TRIES} times; see {self._log_path.name}")
                        continue
                    for message in messages:
                        if (finished := self._handle(worker, message)) is not None:
                            left -= 1
                            yield finished
        finally:
            # Whoever stops reading leaves no worker with a job that nobody waits for.
            for worker in [worker for worker in self._workers if worker.job is not None]:
                self._workers.remove(worker)
                worker.kill()

    def _fill(self, count: int) -> None:
        while len(self._workers) < count:
            self._workers.append(_Worker(self._command, self._description, self._log))

    def _wait(self) -> list[tuple[_Worker, list[dict[str, Any]] | None]]:
        """Messages of the workers that wrote something, None for those that died or are beyond their limit."""
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.output, selectors.EVENT_READ, worker)
            timeout = min(worker.seconds_left(self._limit) for worker in self._workers)
            events = selector.select(None if timeout == math.inf else max(timeout, 0.0))
        answers = {key.data: key.data.receive() for key, _ in events}
        hanging = [worker for worker in self._workers if worker.seconds_left(self._limit) <= 0]
        return [*answers.items(), *((worker, None) for worker in hanging if worker not in answers)]

    def _handle(self, worker: _Worker, message: dict[str, Any]) -> tuple[Job, Evaluation] | None:
        if "error" in message:
            raise RunError(f"A worker cannot start: {message['error']}; see {self._log_path}")
        if "ready" in message:
            worker.ready = True
            self._failed_starts = 0
            return None
        job, worker.job = worker.job, None
        assert job is not None
        assert job.id == message["id"]
        return job, Evaluation.from_json(message["evaluation"])

    def _remove(self, worker: _Worker) -> str:
        """Ends a worker that died or hangs, and says which it was."""
        self._workers.remove(worker)
        if worker.seconds_left(self._limit) <= 0:
            reason = f"No result after {self._limit:g} s"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(timeout=1.0)  # It is dying: let it leave its own exit code.
            reason = f"The worker died with exit code {worker.process.returncode}"
        worker.kill()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts > self._count:
                raise RunError(f"No worker can be started ({reason}); see {self._log_path}")
        return reason
