"""Times what a search does besides training, with children that take no time: python -m benchmarks.dispatch

A search with as many rules out as workers, from proposing and keys over dispatch and store to learning: trials a
second, and the CPU time of the search's own process, all its threads, a trial.

1. The store alone.
2. With children in this process, for each searcher: everything but dispatch.
3. With local worker processes, and with actors of a local Ray cluster, for each number of workers. They are logical and
   share this machine's cores, so that the rate says little: the CPU time of the search's process is what counts.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from absl import app, flags

from benchmarks import figures
from nos_tf import searchers
from nos_tf.dsl import Program, SearchSpace
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search import asynchronous, loop
from nos_tf.search.configuration import BATCH_SIZE
from nos_tf.search.executors import worker
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Evaluates, Executor
from nos_tf.search.executors.ray_actors import RayActors
from nos_tf.search.executors.ray_cluster import Share
from nos_tf.search.executors.ray_worker import RayWorker
from nos_tf.search.executors.worker_processes import WorkerProcesses
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Trial
from nos_tf.tensorflow_loading import load_single_threaded

_TRIALS = flags.DEFINE_integer("trials", 500, "Trials of each measurement.", lower_bound=10)
_WORKERS = flags.DEFINE_list("workers", ["1", "10", "100"], "Numbers of logical workers.")
_SEARCHERS = flags.DEFINE_list("searchers", ["random", "evolution", "ppo"], "Searchers to time in this process.")
_EXECUTORS = flags.DEFINE_multi_enum("executor", ["processes", "ray"], ["processes", "ray"], "Where workers are.")

_SPACE = SearchSpace(num_groups=2)
_CHILD = 10.0  # Seconds that a training is taken to last when shares are stated.


class Instant:
    """A child that takes no time."""

    def evaluate(self, program: Program, seed: int) -> Evaluation:
        return Evaluation(0.5, TRAINED, 0.1, 0.5)

    def train(self, program: Program, learning_rate: float, seed: int, split: str, long: bool) -> Evaluation:
        raise NotImplementedError


class InstantRayWorker(RayWorker):
    """An actor of such children."""

    def _build(self, description: Mapping[str, Any]) -> Evaluates:
        return Instant()


@dataclasses.dataclass
class Cost:
    """Of some trials: the time from the first result to the last, and the CPU time of this process, in seconds."""

    trials: int
    elapsed: float
    cpu: float

    def report(self, name: str, workers: int) -> None:
        per_trial = self.cpu / self.trials
        figures.record(f"{name}: trials a second", self.trials / self.elapsed)
        figures.record(f"{name}: ms of the search process a trial", per_trial * 1e3)
        print(
            f"{name}: {self.trials / self.elapsed:.0f} trials a second; {per_trial * 1e3:.2f} ms of the search's "
            f"process a trial, {per_trial / _CHILD:.3%} of a child of {_CHILD:g} s; with {workers} such children at a "
            f"time {workers * per_trial / _CHILD:.1%} of a core",
            flush=True,
        )


class _Clock(Observer):
    """Starts with the first trial, when all workers are at work."""

    def __init__(self, skipped: int):
        self._skipped = skipped
        self._seen = 0
        self._start = (0.0, 0.0)

    def on_trial(self, trial: Trial) -> None:
        self._seen += trial.duplicate_of is None
        if self._seen == self._skipped:
            self._start = time.perf_counter(), time.process_time()

    def cost(self) -> Cost:
        elapsed, cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        return Cost(self._seen - self._skipped, elapsed, cpu)


def time_search(searcher: str, executor: Executor, workers: int, trials: int) -> Cost:
    """A search of so many trials after the first few of each worker."""
    warm_up = max(2 * workers, 2 * BATCH_SIZE)
    clock = _Clock(warm_up)
    stage = loop.Stage(searcher, searchers.get(searcher, _SPACE, 0), warm_up + trials, BATCH_SIZE, 0)
    with tempfile.TemporaryDirectory() as folder, Store.create(pathlib.Path(folder) / "s.sqlite", {}) as store:
        asynchronous.run_stage(stage, workers, store, executor, clock)
    return clock.cost()


def time_store(trials: int) -> Cost:
    """Trials stored one by one, each for good."""
    with tempfile.TemporaryDirectory() as folder, Store.create(pathlib.Path(folder) / "s.sqlite", {}) as store:
        programs = searchers.get("random", _SPACE, 0).propose(trials)
        evaluation = Instant().evaluate(programs[0], 0)
        elapsed, cpu = time.perf_counter(), time.process_time()
        for number, program in enumerate(programs):
            store.add_trial(Trial(number, "random", number // BATCH_SIZE, program, str(number), 0.5, evaluation))
        return Cost(trials, time.perf_counter() - elapsed, time.process_time() - cpu)


def executors(workers: int) -> Iterator[tuple[str, Executor]]:
    """Executors of so many workers."""
    if "processes" in _EXECUTORS.value:
        command = [sys.executable, "-c", "from benchmarks.dispatch import serve; serve()"]
        log = pathlib.Path(os.devnull)
        yield "processes", WorkerProcesses(workers, {}, log, 600.0, command)
    if "ray" in _EXECUTORS.value:
        share = Share(len(os.sched_getaffinity(0)) / workers if workers > 1 else 1.0)
        yield "ray", RayActors(workers, {}, ["benchmarks"], 600.0, share=share, worker=InstantRayWorker)


def serve() -> None:
    """Is a worker process."""
    worker.serve(lambda description: Instant())


def main(argv: Sequence[str]) -> None:
    del argv
    load_single_threaded()
    time_store(_TRIALS.value).report("store", 100)
    for searcher in _SEARCHERS.value:
        with InProcess(Instant) as executor:
            time_search(searcher, executor, 1, _TRIALS.value).report(f"{searcher} in this process", 100)
    for number in _WORKERS.value:
        for name, executor in executors(int(number)):
            with executor:
                cost = time_search("evolution", executor, int(number), _TRIALS.value)
            cost.report(f"evolution on {number} workers by {name}", int(number))
    figures.write()


if __name__ == "__main__":
    app.run(main)
