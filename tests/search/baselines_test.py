from pathlib import Path

import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.baselines import check_baselines, run_baselines
from nos_tf.search.executors.job import failure
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES, Baseline
from tests.search.fakes import ShuffledExecutor


def test_baselines_match_their_names() -> None:
    programs = {name: nos_tf.parse(text) for name, text in BASELINES.items()}
    assert programs["SGD"].operands == {"g", "1"}
    assert programs["Momentum"].slots == programs["Nesterov"].slots == {"m"}
    assert programs["Adam"].slots == programs["AdamW"].slots == {"m", "v"}
    assert programs["RMSProp"].slots == {"v"}
    assert programs["Lion"].slots == {"m_slow"}
    assert programs["PowerSign"] == nos_tf.parse("exp(sign(g) * sign(m)) * g")
    assert programs["AddSign"] == nos_tf.parse("(1 + sign(g) * sign(m)) * g")


def test_baselines_continue_where_they_stopped(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        first, second = ShuffledExecutor(1, stop_after=4), ShuffledExecutor(2)
        with pytest.raises(KeyboardInterrupt):
            run_baselines(store, first, Observer(), seed=9)
        run_baselines(store, second, Observer(), seed=9)
        assert len(first.jobs) + len(second.jobs) == len(BASELINES)
        assert {baseline.name for baseline in store.baselines()} == set(BASELINES)
        assert {job.seed for job in first.jobs + second.jobs} == {9}


def test_failed_baselines_are_evaluated_again(tmp_path: Path) -> None:
    class Failing(ShuffledExecutor):
        def run(self, jobs):
            for job, evaluation in super().run(jobs):
                yield job, failure("No result after 600 s") if job.program == nos_tf.parse("rmsprop") else evaluation

    with Store.create(tmp_path / "s.sqlite", {}) as store:
        with pytest.raises(RunError, match=r"Received: 1 failed, the first with: No result after 600 s$"):
            run_baselines(store, Failing(1), Observer(), seed=9)
        assert len(store.baselines()) == len(BASELINES) - 1
        executor = ShuffledExecutor(2)
        run_baselines(store, executor, Observer(), seed=9)
        assert [job.program for job in executor.jobs] == [nos_tf.parse("rmsprop")]
        assert {baseline.name for baseline in store.baselines()} == set(BASELINES)


def test_order_of_results_does_not_affect_the_confirmation(tmp_path: Path) -> None:
    found = []
    for seed in range(8):
        with Store.create(tmp_path / f"{seed}.sqlite", {}) as store:
            found.append(run_baselines(store, ShuffledExecutor(seed), Observer(), seed=9, further=[5, 6]))
    assert found[0] is not None
    assert found == found[:1] * 8


def test_search_ends_if_no_baseline_learns(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        check_baselines(store)  # No baseline has been evaluated yet.
        for name, status in (("SGD", "diverged"), ("Adam", "untrained")):
            store.add_baseline(Baseline(name, nos_tf.parse("g"), Evaluation(0.0, status)))
        with pytest.raises(RunError, match=r"^No baseline learns this task.*Received: SGD diverged, Adam untrained$"):
            check_baselines(store)
        store.add_baseline(Baseline("RMSProp", nos_tf.parse("rmsprop"), Evaluation(0.5, "trained", 0.1)))
        check_baselines(store)
