from pathlib import Path

import pytest

import nos_tf
from nos_tf.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search import finals
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES, Baseline, Trial
from tests.search.fakes import ShuffledExecutor


def trial(number: int, reward: float, source: str = "ppo", status: str = "trained") -> Trial:
    program = nos_tf.SearchSpace().decode([number, 0, 0, 0, 0])
    return Trial(number, source, 0, program, str(number), reward, Evaluation(reward, status, 0.1), created=0.0)


TRIALS = [
    trial(0, 0.5, "random"),
    trial(1, 0.9),
    trial(2, 0.7, "random"),
    trial(3, 0.9),
    trial(4, 0.8),
    trial(5, 0.95, status="untrained"),
    Trial(6, "ppo", 0, nos_tf.parse("m"), "1", 0.9, None, duplicate_of=1),
]


def test_best_rules_are_ranked() -> None:
    assert [found.id for found in finals.ranked(TRIALS)] == [1, 3, 4, 2, 0]


def test_best_of_random_search_is_always_tested() -> None:
    assert [found.id for found in finals.finalists(TRIALS)] == [1, 3, 4, 2]
    assert [found.id for found in finals.finalists([*TRIALS, trial(7, 0.92, "random")])] == [7, 1, 3]
    assert finals.finalists([]) == []


def test_baselines_are_what_they_are_called() -> None:
    programs = {name: nos_tf.parse(text) for name, text in BASELINES.items()}
    assert programs["SGD"].operands == {"g", "1"}
    assert programs["Momentum"].slots == {"m"}
    assert programs["Adam"].slots == {"m", "v"}
    assert programs["RMSProp"].slots == {"v"}
    assert programs["PowerSign"] == nos_tf.parse("exp(sign(g) * sign(m)) * g")
    assert programs["AddSign"] == nos_tf.parse("(1 + sign(g) * sign(m)) * g")


def test_finals_go_on_where_they_stopped(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        for one in TRIALS[:5]:
            store.add_trial(one)
        first = ShuffledExecutor(1, stop_after=4)
        try:
            finals.run_baselines(store, first, Observer(), seed=9)
        except KeyboardInterrupt:
            second = ShuffledExecutor(2)
            finals.run_baselines(store, second, Observer(), seed=9)
        assert len(first.jobs) + len(second.jobs) == len(BASELINES)
        assert {baseline.name for baseline in store.baselines()} == set(BASELINES)
        assert {job.seed for job in first.jobs + second.jobs} == {9}

        first, second = ShuffledExecutor(3, stop_after=5), ShuffledExecutor(4)
        try:
            finals.run_tests(store, first, Observer(), [21, 22])
        except KeyboardInterrupt:
            finals.run_tests(store, second, Observer(), [21, 22])
        jobs = first.jobs + second.jobs
        trained = [baseline for baseline in store.baselines() if baseline.evaluation.learning_rate is not None]
        rules = {found.program for found in finals.finalists(TRIALS[:5])} | {found.program for found in trained}
        assert {(job.program, job.seed) for job in jobs} == {(rule, seed) for rule in rules for seed in (21, 22)}
        assert len(jobs) == len(store.tests()) == 2 * len(rules)
        assert all(job.learning_rate == 0.1 for job in jobs)

        finals.run_tests(store, third := ShuffledExecutor(5), Observer(), [21, 22, 23])  # One more seed.
        assert {job.seed for job in third.jobs} == {23}


def test_search_ends_where_no_baseline_learns(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        finals.check_baselines(store)  # None was evaluated yet.
        for name, status in (("SGD", "diverged"), ("Adam", "untrained")):
            store.add_baseline(Baseline(name, nos_tf.parse("g"), Evaluation(0.0, status)))
        with pytest.raises(RunError, match=r"^No baseline learns this task.*Received: SGD diverged, Adam untrained$"):
            finals.check_baselines(store)
        store.add_baseline(Baseline("RMSProp", nos_tf.parse("rmsprop"), Evaluation(0.5, "trained", 0.1)))
        finals.check_baselines(store)
