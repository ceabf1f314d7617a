"""What the table's stages train, and the arrays that result, with invented trainings of eight rules."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.build_table import assemble, stages
from experiments.build_table.rules import Rules
from nos_tf.dsl import SearchSpace, canonical_key, parse
from nos_tf.dsl.algebra.canonical import key_number
from nos_tf.dsl.algebra.simplest import short_text
from nos_tf.evaluation.result import SCREENED, STATUSES, TRAINED, UNTRAINED, Evaluation, SweepPoint

# Reward of each rule with the first seed; `g`, `adam` and `rmsprop` have names.
REWARDS = {
    "g": 0.2, "m * v": 0.9, "adam": 0.1, "sign(m)": 0.8, "rmsprop": 0.0, "g * v": 0.7, "clip(m, 1e-3)": 0.6,
    "exp(g)": None,
}  # fmt: skip
FLAGS = {"seed": 4, "task": "digits", "second_task": "digits_rows", "best": 3, "rules": None, "data_dir": None}
RATES = {4: 0.1, 5: 0.1, 6: 0.4, 7: 0.4, 8: 0.2}  # Best rate of every rule by seed.
PEAK = 10 ** (1 / 8)  # The best fine rate is above the mean of these by this factor.


class FakeWork:
    """Invents results, and records the jobs."""

    folder = stages.rules.Path("unused")

    def __init__(self):
        self.jobs = {}

    def results(self, stage, setup, jobs):
        self.jobs[stage] = setup.task, jobs
        return [self._evaluation(job) for job in jobs]

    def _evaluation(self, job):
        reward = REWARDS[short_text(job.program)]
        if short_text(job.program) == "rmsprop":
            return Evaluation(0.0, UNTRAINED, 0.1, message="at chance", steps=5)
        if job.learning_rate is None:
            rate = RATES[job.seed]
            return Evaluation(reward + job.seed / 100, TRAINED, rate, 0.5, (SweepPoint(rate, reward),), steps=7)
        reward -= abs(np.log10(job.learning_rate / (mean_rate() * PEAK)))
        reward += 0.01 * (job.split == "test") + 0.02 * job.long + job.seed / 1_000
        return Evaluation(reward, TRAINED, job.learning_rate, reward / 2)


def mean_rate() -> float:
    return float(np.exp(np.mean(np.log(list(RATES.values())))))


@pytest.fixture
def finished(monkeypatch):
    space, texts = SearchSpace(), list(REWARDS)
    programs = [parse(text) for text in texts]
    keys = np.array([key_number(canonical_key(program)) for program in programs], np.uint64)
    order = np.argsort(keys)
    known = Rules(
        np.zeros(space.size, np.int32),
        keys[order],
        order.astype(np.int32),
        np.array([space.encode(program) for program in programs], np.uint8),
        np.array(["blind" if REWARDS[text] is None else "" for text in texts]),
    )
    monkeypatch.setattr(stages.rules, "load", lambda path: known)
    monkeypatch.setattr(assemble, "_facts", lambda done, flags, reasons: {"reasons": reasons})
    work = FakeWork()
    done = stages.Stages(work, FLAGS)
    assert done.run()
    return work, done


def test_the_best_rules_and_those_with_names_are_trained_with_more_seeds_and_finer_rates(finished):
    work, done = finished
    names = list(REWARDS)
    assert [(job.seed, job.learning_rate, job.split) for job in work.jobs["rules"][1]] == [(4, None, "validation")] * 7
    assert [names[number] for number in done.best] == ["m * v", "sign(m)", "g * v", "g", "adam"]
    assert sorted({job.seed for job in work.jobs["seeds"][1]}) == [5, 6, 7, 8]
    assert {short_text(job.program) for job in work.jobs["seeds"][1]} == {names[number] for number in done.best}
    expected = [mean_rate() / PEAK, mean_rate(), mean_rate() * PEAK]
    np.testing.assert_allclose(done.fine_rates, [expected] * 5, rtol=1e-5)
    fine = work.jobs["fine"][1]
    assert len(fine) == 5 * 3 * 5
    assert {(job.split, job.long) for job in fine} == {("validation", False)}
    assert {job.seed for job in fine} == {4, 5, 6, 7, 8}


def test_only_the_last_stages_read_test_data_with_other_seeds_at_the_best_rate(finished):
    work, done = finished
    np.testing.assert_allclose(done.test_rates(), mean_rate() * PEAK, rtol=1e-5)
    for stage, long in (("test", False), ("long_test", True)):
        jobs = work.jobs[stage][1]
        assert {(job.split, job.long, job.seed) for job in jobs} == {("test", long, 100), ("test", long, 101)}
        assert [job.learning_rate for job in jobs] == [rate for rate in done.test_rates() for _ in range(2)]
    assert {task for task, _ in work.jobs.values()} == {"digits", "digits_rows"}
    task, jobs = work.jobs["second"]
    assert task == "digits_rows"
    assert [short_text(job.program) for job in jobs[:3]] == ["m * v", "sign(m)", "g * v"]
    assert len({short_text(job.program) for job in jobs}) == 6


def test_arrays_are_indexed_by_rule(finished):
    _, done = finished
    table = assemble.assemble(done, FLAGS)
    statuses = [STATUSES[number] for number in table.status]
    assert statuses == [TRAINED] * 4 + [UNTRAINED] + [TRAINED] * 2 + [SCREENED]
    assert [table.facts["reasons"][number] for number in table.reason] == [""] * 4 + ["at chance", "", "", "blind"]
    first = [0.24, 0.94, 0.14, 0.84, 0.0, 0.74, 0.64, 0.0]
    np.testing.assert_allclose(table.reward, first, rtol=1e-6)
    assert table.steps.tolist() == [7, 7, 7, 7, 5, 7, 7, 0]
    assert table.sweep_ends.tolist() == [1, 2, 3, 4, 4, 5, 6, 6]
    np.testing.assert_allclose(table.best_rewards[0], [0.94, 0.95, 0.96, 0.97, 0.98], rtol=1e-6)
    np.testing.assert_allclose(table.best_rates, [list(RATES.values())] * 5, rtol=1e-6)
    assert table.fine_rewards.shape == (5, 3, 5)
    np.testing.assert_allclose(table.fine_rewards[0, :, 1], np.array([0.65, 0.775, 0.9]) + 0.005, rtol=1e-4)
    short, long = 0.9 + 0.01 + 0.1005, 0.9 + 0.03 + 0.1005
    np.testing.assert_allclose(table.test[0], [short, short / 2, long, long / 2], rtol=1e-4)
    assert len(table.second) == len(table.second_reward) == 6
