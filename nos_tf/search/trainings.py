"""Runs and stores the trainings of the race that the store does not hold yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nos_tf.dsl import Program
from nos_tf.evaluation.result import FAILED, Evaluation
from nos_tf.search.executors.job import Executor, Job, check_results
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Training


class Run(NamedTuple):
    """A training to run; see `Job`."""

    program: Program
    seed: int
    learning_rate: float
    split: str = "validation"
    long: bool = False


class Trainings:
    """Runs missing trainings.

    Args:
      store: Holds earlier results, and receives each new one as it arrives.
      executor: Runs the trainings.
      observer: Notified of each result.
    """

    def __init__(self, store: Store, executor: Executor, observer: Observer):
        self._store = store
        self._executor = executor
        self._observer = observer

    def run(self, stage: str, runs: Sequence[Run]) -> dict[Run, Evaluation]:
        """Returns the results of all runs, in the same order.

        Args:
          stage: Stage of the race; all runs of a stage have the same split and length.
          runs: Trainings to run.

        Raises:
          RunError: Trainings failed. They are not stored, so that they are run again.
        """
        wanted = {(run.program, run.seed, run.learning_rate): run for run in runs}
        stored = {
            (one.program, one.seed, one.learning_rate): one.evaluation
            for one in self._store.trainings()
            if one.stage == stage
        }
        results = {wanted[key]: evaluation for key, evaluation in stored.items() if key in wanted}
        missing = [run for run in wanted.values() if run not in results]
        self._observer.on_phase(stage, len(results), len(wanted))
        jobs = [Job(number, *run) for number, run in enumerate(missing)]
        for job, evaluation in self._executor.run(jobs):
            one = missing[job.id]
            if evaluation.status != FAILED:
                self._store.add_training(Training(stage, one.program, one.seed, one.learning_rate, evaluation))
            self._observer.on_result()
            results[one] = evaluation
        check_results(results.values())
        return {run: results[run] for run in wanted.values()}
