"""Runs jobs in local worker processes. A worker that dies or hangs is replaced; its job is retried once."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import writing
from nos_tf.search.executors.crew import Crew, Worker

COMMAND = (sys.executable, "-m", "nos_tf.search.executors.worker")
_READ = 1 << 16


class _Process(Worker):
    """A worker process."""

    def __init__(self, command: Sequence[str], description: Mapping[str, Any], log: IO[bytes]):
        super().__init__()
        # In its own session, so that Ctrl-C reaches only the search, which then ends its workers.
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
        self._partial = b""
        self.send(description)

    def send(self, value: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # `receive` notices that the process is gone.
            self._input.write(json.dumps(value).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """Returns new messages, or None if the process is gone; call it when the output is readable."""
        content = os.read(self.output.fileno(), _READ)
        if not content:
            return None
        *lines, self._partial = (self._partial + content).split(b"\n")
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        self.process.kill()
        self._input.close()
        self.output.close()
        self.process.wait()


class WorkerProcesses(Crew[_Process]):
    """An executor with local worker processes.

    Args:
      count: Number of workers.
      description: JSON-serializable description from which a worker builds its evaluator.
      log: File for the standard error of the workers.
      trial_timeout: Seconds per job after which a worker counts as hung.
      command: Command that starts a worker with the protocol of `nos_tf.search.executors.worker`; by default that one.
    """

    def __init__(
        self,
        count: int,
        description: Mapping[str, Any],
        log: Path,
        trial_timeout: float,
        command: Sequence[str] | None = None,
    ):
        super().__init__(trial_timeout, log.name)
        self._count = count
        self._description = description
        self._log_path = log
        self._command = command or COMMAND

    def __enter__(self) -> WorkerProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def _fill(self, left: int) -> None:
        while len(self._workers) < min(self._count, left):
            with writing(self._log_path), open(self._log_path, "ab") as log:
                self._workers.append(_Process(self._command, self._description, log))

    def _wait(self) -> list[tuple[_Process, list[dict[str, Any]] | None]]:
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.output, selectors.EVENT_READ, worker)
            timeout = min(worker.seconds_left(self._limit) for worker in self._workers)
            events = selector.select(None if timeout == math.inf else max(timeout, 0.0))
        answers = {key.data: key.data.receive() for key, _ in events}
        hanging = [worker for worker in self._workers if worker.seconds_left(self._limit) <= 0]
        return [*answers.items(), *((worker, None) for worker in hanging if worker not in answers)]

    def _whereabouts(self, worker: _Process) -> str:
        return f"see {self._log_path}"

    def _remove(self, worker: _Process) -> tuple[str, bool]:
        if worker.seconds_left(self._limit) <= 0:
            reason = f"No result after {worker.limit(self._limit):g} s"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(timeout=1.0)  # It is exiting; wait for its exit code.
            reason = f"The worker died with exit code {worker.process.returncode}"
        worker.kill()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts > self._count:
                raise RunError(f"No worker can be started ({reason}); see {self._log_path}")
        return reason, True
