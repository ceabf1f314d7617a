"""A complete run with invented rewards ends with a race on a single task, and without one on a suite."""

from __future__ import annotations

import pytest

from nos_tf import searchers
from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder
from nos_tf.dsl import SearchSpace
from nos_tf.search import files, run
from nos_tf.search.configuration import Configuration
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES
from tests.search.fakes import FakeEvaluator


def test_a_run_is_not_resumed_on_other_data(tmp_path, monkeypatch):
    monkeypatch.setattr(EvaluatorSetup, "check_task", lambda self: [])
    monkeypatch.setattr(EvaluatorSetup, "build", lambda self: FakeEvaluator())
    what = Configuration("digits", "random", trials=8, random_trials=0, batch_size=4, space=SearchSpace(), test_seeds=1)
    with RunFolder(tmp_path / "run", files.STORE) as folder:
        run.run(what, folder, {"task": "digits"}, Observer())
        monkeypatch.setattr(EvaluatorSetup, "describe_data", lambda self: "other digits")
        with pytest.raises(RunError, match=r"The run began on other data \(scikit-learn.*Received: other digits$"):
            run.run(what, folder, {"task": "digits"}, Observer())


@pytest.mark.parametrize("in_flight", [None, 3])
def test_a_run_searches_as_configured(in_flight, tmp_path, monkeypatch):
    """Its searcher has its settings, its trainings the run's seed, and its best rules further seeds."""
    trained, made, plain = set(), [], searchers.get

    class Watched(FakeEvaluator):
        def evaluate(self, program, seed):
            trained.add(seed)
            return super().evaluate(program, seed)

    def get(name, *arguments, **settings):
        made.append((name, settings))
        return plain(name, *arguments, **settings)

    monkeypatch.setattr(searchers, "get", get)
    monkeypatch.setattr(EvaluatorSetup, "check_task", lambda self: [])
    monkeypatch.setattr(EvaluatorSetup, "build", lambda self: Watched())
    what = Configuration(
        "digits", "evolution", trials=40, random_trials=10, batch_size=4, space=SearchSpace(), seed=5, test_seeds=1,
        searcher_settings={"population_size": 3}, in_flight=in_flight,
    )  # fmt: skip
    with RunFolder(tmp_path / "run", files.STORE) as folder:
        run.run(what, folder, {"task": "digits"}, Observer())
        with Store.read(folder / files.STORE) as store:
            assert bool(store.proposals()) == (in_flight is not None)
            confirmed = {len(one.evaluation.seed_rewards) for one in store.trials() if one.evaluation is not None}
    assert made == [("random", {}), ("evolution", {"population_size": 3})]
    assert trained == {what.training_seeds[0]}
    assert confirmed == {0, 3}


@pytest.mark.parametrize(("task", "races"), [("digits", True), ("suite", False)])
def test_a_run_ends_with_a_race_only_on_a_single_task(task, races, tmp_path, monkeypatch):
    monkeypatch.setattr(EvaluatorSetup, "check_task", lambda self: [])
    monkeypatch.setattr(EvaluatorSetup, "build", lambda self: FakeEvaluator())
    what = Configuration(task, "random", trials=8, random_trials=0, batch_size=4, space=SearchSpace(), test_seeds=1)
    with RunFolder(tmp_path / "run", files.STORE) as folder:
        run.run(what, folder, {"task": task}, Observer())
        with Store.read(folder / files.STORE) as store:
            assert sum(trial.duplicate_of is None for trial in store.trials()) == 8
            assert bool(store.trainings()) == races
            assert ("finalists" in store.description()) == races
    plan = run.plan(what)
    assert ("racing" in plan) == races
    assert plan["baselines"] == (3 if races else 1) * len(BASELINES)  # By default, two further seeds confirm each.
