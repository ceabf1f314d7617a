"""A complete run with invented rewards ends with a race on a single task, and without one on a suite."""

from __future__ import annotations

import pytest

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
