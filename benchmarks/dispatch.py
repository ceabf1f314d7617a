"""Times the overhead of a search, with evaluations that take no time: python -m benchmarks.dispatch

Runs an asynchronous search with one rule per worker in training, including proposals, keys, dispatch, store and
learning. Reports trials per second, and CPU time per trial of the search's process (all threads).

1. The store alone.
2. Evaluations in this process, for each searcher: everything but dispatch.
3. Local worker processes, and actors on a local Ray cluster, for each number of workers. The workers share this
   machine's cores, so the CPU time of the search's process matters and the rate says little.
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
from nos_tf.common.tensorflow_loading import load_single_threaded
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

_TRIALS = flags.DEFINE_integer("trials", 500, "Trials per measurement.", lower_bound=10)
_WORKERS = flags.DEFINE_list("workers", ["1", "10", "100"], "Numbers of workers, which share the machine's cores.")
_SEARCHERS = flags.DEFINE_list("searchers", ["random", "evolution", "ppo"], "Searchers to time in this process.")
_EXECUTORS = flags.DEFINE_multi_enum("executor", ["processes", "ray"], ["processes", "ray"], "Executors to time.")

_SPACE = SearchSpace(num_groups=2)
_CHILD = 10.0  # Assumed duration of a training in seconds, to report the overhead as a share of it.


class Instant:
    """An evaluator that takes no time."""

    def evaluate(self, program: Program, seed: int) -> Evaluation:
        return Evaluation(0.5, TRAINED, 0.1, 0.5)

    def train(self, program: Program, learning_rate: float, seed: int, split: str, long: bool) -> Evaluation:
        raise NotImplementedError


class InstantRayWorker(RayWorker):
    """An actor with this evaluator."""

    def _build(self, description: Mapping[str, Any]) -> Evaluates:
        return Instant()


@dataclasses.dataclass
class Cost:
    """Elapsed time and CPU time of this process for some trials, in seconds."""

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
    """Measures the cost of the trials after the first `skipped` ones, when all workers are busy."""

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
    """Times a search, without the first few trials of each worker."""
    warm_up = max(2 * workers, 2 * BATCH_SIZE)
    clock = _Clock(warm_up)
    stage = loop.Stage(searcher, searchers.get(searcher, _SPACE, 0), warm_up + trials, BATCH_SIZE, 0)
    with tempfile.TemporaryDirectory() as folder, Store.create(pathlib.Path(folder) / "s.sqlite", {}) as store:
        asynchronous.run_stage(stage, workers, store, executor, clock)
    return clock.cost()


def time_store(trials: int) -> Cost:
    """Times storing trials one by one, each in its own transaction."""
    with tempfile.TemporaryDirectory() as folder, Store.create(pathlib.Path(folder) / "s.sqlite", {}) as store:
        programs = searchers.get("random", _SPACE, 0).propose(trials)
        evaluation = Instant().evaluate(programs[0], 0)
        elapsed, cpu = time.perf_counter(), time.process_time()
        for number, program in enumerate(programs):
            store.add_trial(Trial(number, "random", number // BATCH_SIZE, program, str(number), 0.5, evaluation))
        return Cost(trials, time.perf_counter() - elapsed, time.process_time() - cpu)


def executors(workers: int) -> Iterator[tuple[str, Executor]]:
    """Yields executors with the given number of workers."""
    if "processes" in _EXECUTORS.value:
        command = [sys.executable, "-c", "from benchmarks.dispatch import serve; serve()"]
        log = pathlib.Path(os.devnull)
        yield "processes", WorkerProcesses(workers, {}, log, 600.0, command)
    if "ray" in _EXECUTORS.value:
        share = Share(len(os.sched_getaffinity(0)) / workers if workers > 1 else 1.0)
        yield "ray", RayActors(workers, {}, ["benchmarks"], 600.0, share=share, worker=InstantRayWorker)


def serve() -> None:
    """Runs a worker process."""
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
