"""Runs long studies in pieces: each finished piece is a file, and only one process at a time works on a piece.

A stopped run loses only the pieces in progress; rerun the same command to continue. Several machines can share the work
through a shared folder.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock
import joblib
from absl import flags

from nos_tf.cli import shared_flags
from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder, write_bytes
from nos_tf.common.tensorflow_loading import set_environment
from nos_tf.common.text import duration
from nos_tf.evaluation.result import FAILED, Evaluation
from nos_tf.search.executors.job import Executor, Job
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.executors.worker_processes import WorkerProcesses

INTERRUPTED = "Interrupted. Finished pieces are saved; rerun the same command to continue."
UNFINISHED = "Some pieces are not finished yet; rerun the same command to continue."
_WITHOUT = shared_flags.WITHOUT_NUMBERS | {"workers", "stop_after", "output"}
_SIZE = 250  # Jobs per piece: about a minute of work.
_SECONDS = 300.0  # Seconds after which a worker counts as hung.


def define() -> None:
    """Defines `--workers` and `--stop_after`."""
    flags.DEFINE_integer("workers", None, "Worker processes; by default one per core.", lower_bound=1)
    flags.DEFINE_float("stop_after", None, "Minutes after which no new piece is started.", lower_bound=0.0)


class Work:
    """Runs the trainings of a study on the cores of this machine.

    Args:
      name: Name of the study.
      values: Values of its flags.
      details: Anything else that its results depend on, JSON-serializable.
      growing: Names of flags that may change when the study is continued, because they only add work.

    Attributes:
      folder: Run folder. It is not locked, because several machines may work on different pieces.

    Raises:
      RunError: No folder is given, or it holds something else.
    """

    def __init__(
        self, name: str, values: Mapping[str, Any], details: Mapping[str, Any], growing: frozenset[str] = frozenset()
    ):
        if values["run_dir"] is None:
            raise RunError("Name a run folder, so that the study can be continued. Received: no --run_dir")
        set_environment()
        self.folder = RunFolder(Path(values["run_dir"]), resume=True)
        self.folder.create()
        self.folder.begin(name, {**values, **details}, _WITHOUT | growing)
        self._workers = values["workers"] or joblib.cpu_count()
        self._deadline = None if values["stop_after"] is None else time.monotonic() + 60.0 * values["stop_after"]

    @property
    def is_over(self) -> bool:
        """Whether no new work may be started because the time is up."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def executor(self, setup: EvaluatorSetup, seconds: float = _SECONDS) -> WorkerProcesses:
        """Returns an executor with local worker processes, to be used as a context manager.

        Args:
          setup: How workers build their evaluators.
          seconds: Seconds after which a worker counts as hung.
        """
        return WorkerProcesses(self._workers, setup.to_json(), self.folder / "workers.log", seconds)

    def results(
        self, stage: str, setup: EvaluatorSetup, jobs: Sequence[Job], size: int = _SIZE, seconds: float = _SECONDS
    ) -> list[Evaluation] | None:
        """Runs missing jobs and returns the results of all, in order; None if some are still missing.

        Args:
          stage: Prefix of the file names.
          setup: How workers build their evaluators.
          jobs: Jobs of the stage, the same in every process; their ids are ignored.
          size: Jobs per piece.
          seconds: Seconds after which a worker counts as hung.
        """
        numbered = [dataclasses.replace(job, id=number) for number, job in enumerate(jobs)]
        pieces = Pieces(self.folder / "pieces", stage, numbered, size)
        found = pieces.results() if pieces.is_done() else None
        if found is None or any(evaluation.status == FAILED for evaluation in found):
            with self.executor(setup, seconds) as executor:
                found = pieces.results() if pieces.run(executor, self._deadline) else None
        return found


class Pieces:
    """The jobs of a stage, split into pieces.

    Args:
      folder: Folder of the files.
      stage: Prefix of their names.
      jobs: Jobs of the stage, the same in every process.
      size: Jobs per piece.
    """

    def __init__(self, folder: Path, stage: str, jobs: Sequence[Job], size: int = _SIZE):
        self._folder = folder
        self._stage = stage
        self._parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]

    def run(self, executor: Executor, deadline: float | None) -> bool:
        """Runs missing jobs, and those that failed before, of pieces that no other process is working on.

        Args:
          executor: Runs the jobs.
          deadline: Time of `time.monotonic` after which no piece is started.

        Returns:
          Whether all pieces are done.
        """
        start, done = time.monotonic(), 0
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(len(self._parts)):
            if not self._open_jobs(number):
                continue
            if deadline is not None and time.monotonic() >= deadline:
                return False
            lock = filelock.FileLock(self._path(number).with_suffix(".lock"), blocking=False)
            try:
                with lock:
                    jobs = self._open_jobs(number)
                    if jobs:
                        self._run(number, jobs, executor)
                        done += 1
            except filelock.Timeout:
                continue  # Another process is working on it.
            left = sum(not self._path(other).exists() for other in range(len(self._parts)))
            rate = (time.monotonic() - start) / max(done, 1)
            print(
                f"{self._stage}: {len(self._parts) - left} of {len(self._parts)} pieces  "
                f"{rate / len(self._parts[number]):.3f} s per rule  ETA {duration(rate * left)}",
                flush=True,
            )
        return self.is_done()

    def is_done(self) -> bool:
        """Returns whether all pieces are done."""
        return all(self._path(number).exists() for number in range(len(self._parts)))

    def results(self) -> list[Evaluation]:
        """Returns the results of all jobs, in order; all pieces must be done."""
        return [evaluation for number in range(len(self._parts)) for evaluation in self._read(number)]

    def _open_jobs(self, number: int) -> list[Job]:
        """Jobs of a piece without a result, or whose evaluation failed, for example because memory ran out."""
        jobs = self._parts[number]
        if not self._path(number).exists():
            return list(jobs)
        return [job for job, evaluation in zip(jobs, self._read(number), strict=True) if evaluation.status == FAILED]

    def _run(self, number: int, jobs: Sequence[Job], executor: Executor) -> None:
        """Runs jobs of a piece; the others must have results."""
        done = self._read(number) if self._path(number).exists() else []
        results = {job.id: evaluation for job, evaluation in zip(self._parts[number], done, strict=False)}
        results |= {job.id: evaluation for job, evaluation in executor.run(jobs)}
        lines = "".join(json.dumps(results[job.id].to_json()) + "\n" for job in self._parts[number])
        write_bytes(self._path(number), gzip.compress(lines.encode(), mtime=0))

    def _read(self, number: int) -> list[Evaluation]:
        lines = gzip.decompress(self._path(number).read_bytes()).decode().splitlines()
        return [Evaluation.from_json(json.loads(line)) for line in lines]

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._stage}-{number:05d}.jsonl.gz"
