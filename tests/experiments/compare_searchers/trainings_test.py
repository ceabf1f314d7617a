"""The comparison by trainings, with invented rewards."""

from __future__ import annotations

import dataclasses
import json
import math

import joblib
import numpy as np
import pytest
import scipy.stats

from experiments.compare_searchers import __main__ as script
from experiments.compare_searchers import trainings
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.store import Store
from tests.experiments.in_process import run
from tests.search.fakes import FakeEvaluator

FLAGS = ("--searchers=evolution", "--seeds=2", "--trials=20", "--num_groups=1")


class Seeded(FakeEvaluator):
    """A fake evaluator whose rewards also depend on the seed."""

    def evaluate(self, program, seed):
        found = super().evaluate(program, seed)
        luck = len(str(program)) * seed % 97 / 970
        return dataclasses.replace(found, reward=found.reward + luck, steps=10 + len(str(program)))


@pytest.fixture
def invented(monkeypatch):
    monkeypatch.setattr(trainings, "_executor", lambda setup: InProcess(Seeded))
    monkeypatch.setattr(EvaluatorSetup, "describe_data", lambda setup: "invented")
    monkeypatch.setattr(trainings, "BUDGETS", (8, 1_000))
    monkeypatch.setattr(trainings, "RACERS", 3)
    with joblib.parallel_config(backend="threading"):
        yield


def test_the_best_rules_race_and_the_winner_is_measured_with_other_fresh_seeds(monkeypatch, tmp_path, invented):
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={tmp_path / 'run'}") == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [(one["searcher"], one["rules"]) for one in results["searchers"]] == [
        ("random", 8), ("random", 20), ("evolution", 8), ("evolution", 20),
    ]  # fmt: skip
    values = []
    for seed in (0, 1):
        found = json.loads((tmp_path / "run" / f"evolution-{seed}.json").read_text())
        with Store.read(tmp_path / "run" / f"evolution-{seed}.sqlite") as store:
            trials = [trial for trial in store.trials() if trial.duplicate_of is None]
        assert found["rewards"] == [trial.reward for trial in trials]
        racers = [trial.program for trial in sorted(trials[:8], key=lambda trial: -trial.reward)[:3]]
        seeds = trainings.derived_seeds(seed, trainings.Purpose.COMPARED_RACE, 6)
        assert len({seed, *seeds}) == 7
        raced, values_of = (
            {rule: np.mean([Seeded().evaluate(rule, each).reward for each in part]) for rule in racers}
            for part in (seeds[:3], seeds[3:])
        )
        best = max(raced, key=raced.get)
        assert found["chosen"][0]["rule"] == str(best)
        assert found["chosen"][0]["raced"] == pytest.approx(raced[best])
        assert found["chosen"][0]["value"] == pytest.approx(values_of[best])
        steps = [trial.evaluation.steps for trial in trials]
        assert [one["steps"] for one in found["chosen"]] == [sum(steps[:8]), sum(steps)]
        values.append(found["chosen"][0]["value"])
    assert results["searchers"][2]["value"] == pytest.approx(np.mean(values))


def test_a_run_continues_where_it_was_stopped(monkeypatch, tmp_path, invented):
    folder = tmp_path / "run"
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}") == 0
    results = (folder / "results.json").read_text()
    (folder / "random-1.json").unlink()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*-?.json")}
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}", "--resume") == 0
    assert (folder / "results.json").read_text() == results
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_seeds_and_searchers_can_be_added(monkeypatch, tmp_path, invented):
    folder = tmp_path / "run"
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}") == 0
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*-?.json")}
    more = ("--searchers=evolution,tree_descent", "--seeds=3", "--resume")
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}", *more) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(folder.glob("*-?.json"))) == 9
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}", *more, "--trials=30") == 2


def test_the_winner_of_all_races_so_far_is_chosen_and_steps_are_compared():
    def search(*raced: float, steps: int = 10) -> dict:
        chosen = [{"raced": one, "value": one + 1, "steps": steps * n} for n, one in enumerate(raced, start=1)]
        return {"rewards": [0.1, 0.3, 0.5], "chosen": chosen}

    runs = {
        "random": [search(0.5, 0.6, 0.4), search(0.1, 0.2, 0.3)],
        "ppo": [search(0.3, 0.2, 0.9, steps=30), search(0.7, 0.2, 0.4, steps=10)],
    }
    found = {(one["searcher"], one["rules"]): one for one in trainings.compare(runs, [1, 2, 3])}
    assert [found["random", rules]["value"] for rules in (1, 2, 3)] == pytest.approx([1.3, 1.4, 1.45])
    assert [found["ppo", rules]["value"] for rules in (1, 2, 3)] == pytest.approx([1.5, 1.5, 1.8])
    assert [found["ppo", rules]["mean"] for rules in (1, 2, 3)] == pytest.approx([0.1, 0.2, 0.3])
    assert [found["ppo", rules]["steps_of_random"] for rules in (1, 2, 3)] == pytest.approx([2.0] * 3)


def test_differences_are_paired_by_seed_and_corrected():
    rng = np.random.default_rng(0)
    common = rng.normal(0.8, 0.1, 12)
    values = {name: common + rng.normal(shift, 0.01, 12) for name, shift in (("random", 0), ("ppo", 0.02), ("trpo", 0))}
    runs = {
        name: [{"rewards": [0.1, 0.3], "chosen": [{"raced": 0.5, "value": value, "steps": 7}]} for value in column]
        for name, column in values.items()
    }
    random, ppo, trpo = trainings.compare(runs, [2])
    assert "p" not in random
    raw = [scipy.stats.ttest_rel(values[name], values["random"]).pvalue for name in ("ppo", "trpo")]
    assert ppo["p"] == pytest.approx(2 * raw[0])
    assert trpo["p"] == pytest.approx(max(raw[1], 2 * raw[0]))
    assert ppo["difference"] == pytest.approx((values["ppo"] - values["random"]).mean())
    assert ppo["difference_half_width"] < ppo["value_half_width"] / 3
    assert math.isclose(ppo["mean"], 0.2)
