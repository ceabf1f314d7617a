"""The wall between the suite's search tasks and held-out tasks, and the arithmetic of its scores."""

from __future__ import annotations

import dataclasses
import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nos_tf import tasks
from nos_tf.common.errors import RunError
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.tasks import suite
from nos_tf.tasks import task as task_module
from nos_tf.tasks.suite import Scale
from nos_tf.tasks.task import Split
from tools import suite_scales

ROOT = Path(__file__).parents[2]


def test_half_of_the_tasks_are_held_out():
    assert len(suite.SEARCH) == len(suite.HELD_OUT) == 5
    assert not set(suite.SEARCH) & set(suite.HELD_OUT)
    assert {*suite.SEARCH, *suite.HELD_OUT} <= set(tasks.names())
    assert [len(names) for names in suite.SUITES.values()] == [5, 2, 4]
    assert suite.SCALES.keys() == set(suite.SEARCH)


def test_no_data_set_is_on_both_sides():
    for trait in (lambda task: task.load.__module__, lambda task: task.describe_data().split(",")[0]):
        first, second = ({trait(tasks.get(name)) for name in names} for names in (suite.SEARCH, suite.HELD_OUT))
        assert not first & second


@pytest.mark.parametrize("name", suite.SUITES)
def test_no_search_on_a_suite_reads_a_held_out_task(name, monkeypatch):
    read = []

    def watched(task):
        def load(data_dir):
            read.append(task.name)
            return task.load(data_dir)

        return dataclasses.replace(task, load=load)

    monkeypatch.setattr(task_module, "_TASKS", {name: watched(task) for name, task in task_module._TASKS.items()})
    setup = EvaluatorSetup(name)
    setup.describe_data()
    setup.check_task()
    setup.build()
    assert set(read) == set(suite.SUITES[name])


@pytest.mark.parametrize("name", suite.HELD_OUT)
def test_a_held_out_task_is_set_up_only_for_frozen_finalists(name, tmp_path):
    with pytest.raises(RunError, match=f"^This task is held out from every search.*Received: {name}$"):
        EvaluatorSetup(name)
    finalists = tmp_path / "finalists.json"
    with pytest.raises(RunError, match="held out"):
        EvaluatorSetup(name, finalists=str(finalists))
    finalists.write_text("{}")
    assert EvaluatorSetup(name, finalists=str(finalists)).get_task().name == name


@pytest.mark.parametrize("module", ["experiments.search", "experiments.compare_searchers", "experiments.build_table"])
def test_commands_refuse_a_held_out_task(module, tmp_path):
    command = [sys.executable, "-m", module, "--task=topics_gru", f"--run_dir={tmp_path / 'run'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert done.stderr.startswith("This task is held out from every search")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_suite_requires_the_protocol_of_its_scales():
    with pytest.raises(RunError, match=r"Received: epochs=3, reward='final_accuracy'$"):
        EvaluatorSetup("suite", Protocol(epochs=3, reward="final_accuracy"))


def test_scores_are_between_nothing_and_the_best_baseline():
    scale = Scale(nothing=0.1, best=0.6)
    assert scale.score(0.1) == 0.0
    assert scale.score(0.05) == 0.0
    assert scale.score(0.35) == pytest.approx(0.5)
    assert scale.score(0.7) == pytest.approx(1.2)


def test_rewards_are_scored_on_the_scale_of_their_task():
    nothing, best = suite.SCALES["digits"]
    found = suite.scores({"digits": (nothing + best) / 2}, ("digits", "digits_mlp"))
    assert found == [pytest.approx(0.5), 0.0]


def test_no_single_task_can_dominate_the_mean():
    assert suite.mean([0.4]) == 0.4
    assert suite.mean([1.0, 0.5]) == 0.5
    assert suite.mean([0.9, 1.0, 0.8, 30.0]) == pytest.approx(0.9)
    for scores in itertools.product((0.0, 0.5, 0.9, 1.0), repeat=4):
        for bought in range(4):
            assert suite.mean([*scores[:bought], 1e6, *scores[bought:]]) <= max(scores)


def test_a_failure_costs_its_share():
    assert suite.mean([1.0, 1.0, 1.0, 1.0, 0.0]) == pytest.approx(0.75)
    # Two slightly better tasks do not make up for a failed one.
    assert suite.mean([1.2, 1.2, 1.0, 1.0, 0.0]) < suite.mean([1.0] * 5)


def test_an_untrained_child_knows_the_frequency_of_each_class():
    train = Split(np.zeros((4, 1)), np.array([0, 0, 1, 2]))
    expected = math.exp(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert suite.nothing(tasks.get("digits"), train) == pytest.approx(expected)
    assert suite.nothing(tasks.get("diabetes_mlp"), train) == pytest.approx(1 / math.e)


@pytest.mark.slow
@pytest.mark.parametrize("name", suite.SEARCH)
def test_scales_match_what_the_baselines_reach(name):
    task = tasks.get(name)
    assert suite.nothing(task, task.load(None).train) == pytest.approx(suite.SCALES[name].nothing, abs=1e-3)
    assert suite_scales.best(task, seeds=3) == pytest.approx(suite.SCALES[name].best, abs=0.04)
