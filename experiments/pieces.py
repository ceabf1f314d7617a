"""Long studies in pieces: each is a file once it is done, and one process at a time works on it.

A run that is stopped loses the pieces under way and no more, the same command goes on with it, and several machines
that share the folder share the work.
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
from nos_tf.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.run_folder import RunFolder, write_bytes
from nos_tf.search.executors.job import Executor, Job
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.executors.worker_processes import WorkerProcesses
from nos_tf.tensorflow_loading import set_environment
from nos_tf.text import duration

INTERRUPTED = "Interrupted. Finished pieces are saved; the same command goes on."
UNFINISHED = "Pieces are missing yet; the same command goes on with them."
_WITHOUT = shared_flags.WITHOUT_NUMBERS | {"workers", "stop_after", "output"}
_SIZE = 250  # Jobs of a piece: a minute or so of work.
_SECONDS = 300.0  # Until a worker counts as hanging.


def define() -> None:
    """Defines `--workers` and `--stop_after`."""
    flags.DEFINE_integer("workers", None, "Worker processes; by default one a core.", lower_bound=1)
    flags.DEFINE_float("stop_after", None, "Minutes after which no further piece is begun.", lower_bound=0.0)


class Work:
    """What a study has to train, on the cores of this machine.

    Args:
      name: Name of the study.
      values: Values of its flags.
      details: What else its numbers depend on, as JSON can hold it.
      growing: Names of flags that may change when the study goes on, as they only ask for more of the same.

    Attributes:
      folder: Its run folder. It is not locked: several machines may work there, each on pieces of its own.

    Raises:
      RunError: No folder is named, or it holds something else.
    """

    def __init__(
        self, name: str, values: Mapping[str, Any], details: Mapping[str, Any], growing: frozenset[str] = frozenset()
    ):
        if values["run_dir"] is None:
            raise RunError("Name the folder of the pieces, which the same command goes on with. Received: no --run_dir")
        set_environment()
        self.folder = RunFolder(Path(values["run_dir"]), resume=True)
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self.folder.begin(name, {**values, **details}, _WITHOUT | growing)
        self._workers = values["workers"] or joblib.cpu_count()
        self._deadline = None if values["stop_after"] is None else time.monotonic() + 60.0 * values["stop_after"]

    @property
    def is_over(self) -> bool:
        """Whether the time for beginning something is up."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def executor(self, setup: EvaluatorSetup, seconds: float = _SECONDS) -> WorkerProcesses:
        """Worker processes, to be entered as a context.

        Args:
          setup: How they build their evaluators.
          seconds: Until a worker counts as hanging.
        """
        return WorkerProcesses(self._workers, setup.to_json(), self.folder / "workers.log", seconds)

    def results(
        self, stage: str, setup: EvaluatorSetup, jobs: Sequence[Job], size: int = _SIZE, seconds: float = _SECONDS
    ) -> list[Evaluation] | None:
        """Results of all jobs, in their order, those that are missing trained now; None while some are missing yet.

        Args:
          stage: Beginning of the files' names.
          setup: How workers build their evaluators.
          jobs: The work, the same in every process; their own numbers do not count.
          size: Jobs of a piece.
          seconds: Until a worker counts as hanging.
        """
        numbered = [dataclasses.replace(job, id=number) for number, job in enumerate(jobs)]
        pieces = Pieces(self.folder / "pieces", stage, numbered, size)
        if not pieces.is_done():
            with self.executor(setup, seconds) as executor:
                if not pieces.run(executor, self._deadline):
                    return None
        return pieces.results()


class Pieces:
    """The jobs of a stage.

    Args:
      folder: Where the files lie.
      stage: Beginning of their names.
      jobs: The work, the same in every process.
      size: Jobs of a piece.
    """

    def __init__(self, folder: Path, stage: str, jobs: Sequence[Job], size: int = _SIZE):
        self._folder = folder
        self._stage = stage
        self._parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]

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
