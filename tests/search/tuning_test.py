import math
from pathlib import Path

import pytest

import nos_tf
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors.job import Job
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trainings import Trainings
from nos_tf.search.tuning import tune
from tests.search.fakes import ShuffledExecutor

RULES = [nos_tf.parse("g"), nos_tf.parse("adam")]
FACTOR = 10**0.25


class Parabola(ShuffledExecutor):
    """Rewards with a maximum at a given rate for each rule, which moves slightly with the seed."""

    def __init__(self, peaks: dict, **arguments):
        super().__init__(**arguments)
        self._peaks = peaks

    def run(self, jobs):
        for job, _ in super().run(jobs):
            away = math.log10(job.learning_rate / self._peaks[job.program]) + 0.1 * (-1) ** job.seed
            yield job, Evaluation(1.0 - away**2, "trained", job.learning_rate)


@pytest.mark.parametrize("peak", [1.0, 0.02, 1.3, 30.0])
def test_finds_the_best_rate_wherever_it_starts(tmp_path: Path, peak: float) -> None:
    executor = Parabola({RULES[0]: peak, RULES[1]: 0.001})
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        trainings = Trainings(store, executor, Observer())
        found = tune(trainings, "tuning", dict.fromkeys(RULES, 1.0), FACTOR, [1, 2])
    for program, best in ((RULES[0], peak), (RULES[1], 0.001)):
        limit = math.log10(FACTOR) * 6  # Tuning stops there.
        expected = min(max(math.log10(best), -limit), limit)
        assert abs(math.log10(found[program]) - expected) <= math.log10(FACTOR) / 2 + 1e-6
    tried = {job.learning_rate for job in executor.jobs if job.program == RULES[0]}
    steps = round(math.log(found[RULES[0]], FACTOR))
    assert len(tried) == abs(steps) + 3 - (abs(steps) == 6)  # All on the way, and one beyond the best on each side.
    assert all(sorted({job.seed for job in executor.jobs if job.learning_rate == rate}) == [1, 2] for rate in tried)


def test_continues_where_it_stopped_and_does_not_depend_on_the_order(tmp_path: Path) -> None:
    peaks = {RULES[0]: 20.0, RULES[1]: 0.05}
    results, jobs = [], []
    for number, stops in enumerate([(None,), (3, 5, 1, None)]):
        ran: list[Job] = []
        with Store.create(tmp_path / f"{number}.sqlite", {}) as store:
            for seed, stop in enumerate(stops):
                executor = Parabola(peaks, seed=seed, stop_after=stop)
                trainings = Trainings(store, executor, Observer())
                try:
                    found = tune(trainings, "tuning", dict.fromkeys(RULES, 1.0), FACTOR, [1, 2], long=True)
                except KeyboardInterrupt:
                    pass
                else:
                    results.append(found)
                ran += executor.jobs
        jobs.append(sorted((str(job.program), job.learning_rate, job.seed, job.long) for job in ran))
    assert results[0] == results[1]
    assert jobs[0] == jobs[1]  # No job was run twice.
    assert all(long for *_, long in jobs[0])
