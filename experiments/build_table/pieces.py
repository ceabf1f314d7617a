"""Work in pieces: each is a file once it is done, and one process at a time works on it."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from pathlib import Path

import filelock

from nos_tf.evaluation.result import Evaluation
from nos_tf.run_folder import write_bytes
from nos_tf.search.executors.job import Executor, Job
from nos_tf.text import duration

_SIZE = 250  # Jobs of a piece: a minute or so of work.


class Pieces:
    """The jobs of a stage.

    Args:
      folder: Where the files lie.
      stage: Beginning of their names.
      jobs: The work, the same in every process.
    """

    def __init__(self, folder: Path, stage: str, jobs: Sequence[Job]):
        self._folder = folder
        self._stage = stage
        self._parts = [jobs[start : start + _SIZE] for start in range(0, len(jobs), _SIZE)]

    def run(self, executor: Executor, deadline: float | None) -> bool:
        """Does what is missing and nobody else is at.

        Args:
          executor: Trains.
          deadline: Time of `time.monotonic` from which no piece is begun.

        Returns:
          Whether all pieces are done.
        """
        start, done = time.monotonic(), 0
        self._folder.mkdir(parents=True, exist_ok=True)
        for number, jobs in enumerate(self._parts):
            if self._path(number).exists():
                continue
            if deadline is not None and time.monotonic() >= deadline:
                return False
            lock = filelock.FileLock(self._path(number).with_suffix(".lock"), blocking=False)
            try:
                with lock:
                    if not self._path(number).exists():
                        self._run(number, jobs, executor)
                        done += 1
            except filelock.Timeout:
                continue  # Another process is at it.
            left = sum(not self._path(other).exists() for other in range(len(self._parts)))
            rate = (time.monotonic() - start) / max(done, 1)
            print(
                f"{self._stage}: {len(self._parts) - left} of {len(self._parts)} pieces  "
                f"{rate / len(jobs):.3f} s a rule  ETA {duration(rate * left)}",
                flush=True,
            )
        return self.is_done()

    def is_done(self) -> bool:
        """Whether every piece is done."""
        return all(self._path(number).exists() for number in range(len(self._parts)))

    def results(self) -> list[Evaluation]:
        """The results of all jobs, in their order; every piece must be done."""
        found = []
        for number in range(len(self._parts)):
            lines = gzip.decompress(self._path(number).read_bytes()).decode().splitlines()
            found += [Evaluation.from_json(json.loads(line)) for line in lines]
        return found

    def _run(self, number: int, jobs: Sequence[Job], executor: Executor) -> None:
        results = {job.id: evaluation for job, evaluation in executor.run(jobs)}
        lines = "".join(json.dumps(results[job.id].to_json()) + "\n" for job in jobs)
        write_bytes(self._path(number), gzip.compress(lines.encode(), mtime=0))

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._stage}-{number:05d}.jsonl.gz"
