"""The baselines by the search's own protocol, and fresh trainings of the best rules on test data."""

from __future__ import annotations

from collections.abc import Sequence

import nos_tf
from nos_tf.dsl import Program
from nos_tf.errors import RunError
from nos_tf.evaluation.result import TRAINED
from nos_tf.search.executors.job import Executor, Job
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES, RANDOM, Baseline, FinalRun, Trial

NUM_FINALISTS = 3


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Distinct rules that trained, best first; of equal rewards the earlier one."""
    trained = [trial for trial in trials if trial.status == TRAINED]
    return sorted(trained, key=lambda trial: (-trial.reward, trial.id))


def finalists(trials: Sequence[Trial]) -> list[Trial]:
    """The best rules, and the best one of random search if it is not among them."""
    ranking = ranked(trials)
    random = [trial for trial in ranking[NUM_FINALISTS:] if trial.source == RANDOM]
    chosen = ranking[:NUM_FINALISTS]
    return chosen if any(trial.source == RANDOM for trial in chosen) else chosen + random[:1]


def run_baselines(store: Store, executor: Executor, observer: Observer, seed: int) -> None:
    """Evaluates the known optimizers that the store does not hold yet, with the seed of the search's own trials."""
    done = {baseline.name for baseline in store.baselines()}
    observer.on_phase("baselines", len(done), len(BASELINES))
    missing = [name for name in BASELINES if name not in done]
    jobs = [Job(number, nos_tf.parse(BASELINES[name]), seed) for number, name in enumerate(missing)]
    for job, evaluation in executor.run(jobs):
        store.add_baseline(Baseline(missing[job.id], job.program, evaluation))
        observer.on_result()


def check_baselines(store: Store) -> None:
    """Ends a search in which no baseline learned: its rewards would only tell noise from noise.

    Raises:
      RunError: It says what became of each.
    """
    results = {baseline.name: baseline.evaluation.status for baseline in store.baselines()}
    if results and TRAINED not in results.values():
        found = ", ".join(f"{name} {status}" for name, status in results.items())
        raise RunError(
            "No baseline learns this task at any learning rate of the sweep; look at its data, its network and its "
            f"length before searching. Received: {found}"
        )


def run_tests(store: Store, executor: Executor, observer: Observer, seeds: Sequence[int]) -> None:
    """Trains the finalists and the baselines afresh with each seed, at the learning rate that their evaluation chose.

    Args:
      store: Trials and baselines, with their learning rates; receives the test runs.
      executor: Trains.
      observer: Hears of each result.
      seeds: Seeds that no trial of the search had.
    """
    rates: dict[Program, float] = {}
    for trial in finalists(store.trials()):
        assert trial.learning_rate is not None
        rates[trial.program] = trial.learning_rate
    for baseline in store.baselines():
        if baseline.evaluation.learning_rate is not None:
            rates[baseline.program] = baseline.evaluation.learning_rate
    done = {(test.program, test.seed) for test in store.tests()}
    wanted = [(program, seed) for seed in seeds for program in rates]
    missing = [pair for pair in wanted if pair not in done]
    observer.on_phase("test", len(wanted) - len(missing), len(wanted))
    jobs = [Job(number, program, seed, rates[program]) for number, (program, seed) in enumerate(missing)]
    for job, evaluation in executor.run(jobs):
        store.add_test(FinalRun(job.program, job.seed, evaluation))
        observer.on_result()
