"""Evaluates the known optimizers under the search's protocol before any rule is proposed."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf.common.errors import RunError
from nos_tf.dsl import parse
from nos_tf.evaluation.result import FAILED, TRAINED
from nos_tf.search.confirmation import Confirmation
from nos_tf.search.executors.job import Executor, Job, check_results
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES, Baseline


def run_baselines(
    store: Store, executor: Executor, observer: Observer, seed: int, further: Sequence[int] = ()
) -> Confirmation | None:
    """Evaluates the known optimizers that the store does not hold yet.

    Args:
      store: Receives the results.
      executor: Runs the trainings.
      observer: Notified of each result.
      seed: Seed of the search's trials.
      further: Seeds with which promising rules are confirmed; all baselines are.

    Returns:
      How the search confirms promising rules, or None if it does not.

    Raises:
      RunError: An evaluation failed. It is not stored, so that it is run again.
    """
    done = {baseline.name for baseline in store.baselines()}
    observer.on_phase("baselines", len(done), len(BASELINES))
    missing = [name for name in BASELINES if name not in done]
    confirmation = Confirmation(tuple(further)) if further else None
    jobs = [Job(number, parse(BASELINES[name]), seed, confirmation=confirmation) for number, name in enumerate(missing)]
    results = []
    for job, evaluation in executor.run(jobs):
        results.append(evaluation)
        if evaluation.status != FAILED:
            store.add_baseline(Baseline(missing[job.id], job.program, evaluation))
        observer.on_result()
    check_results(results)
    found = {baseline.name: baseline.evaluation for baseline in store.baselines()}
    # In a fixed order, because sums of floats must not depend on which worker was faster.
    return Confirmation.from_baselines(further, [found[name] for name in BASELINES])


def check_baselines(store: Store) -> None:
    """Checks that at least one baseline learned; otherwise the search's rewards would be noise.

    Raises:
      RunError: No baseline learned; the message gives the status of each.
    """
    results = {baseline.name: baseline.evaluation.status for baseline in store.baselines()}
    if not results or TRAINED in results.values():
        return
    statuses = ", ".join(f"{name} {status}" for name, status in results.items())
    raise RunError(
        "No baseline learns this task at any learning rate of the sweep; check its data, network and training length "
        f"before searching. Received: {statuses}"
    )
