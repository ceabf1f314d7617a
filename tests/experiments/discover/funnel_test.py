"""The whole funnel with invented rewards: what it reads when, that it resumes where it stopped, and what it writes."""

from __future__ import annotations

import dataclasses
import json

import pytest

from experiments.discover import __main__ as script
from experiments.discover import candidates, frozen, judging, racing
from experiments.pieces import Work
from nos_tf import parse
from nos_tf.common.errors import RunError
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search.store import Store
from nos_tf.tasks import suite
from nos_tf.tasks import task as task_module
from tests.experiments.in_process import run
from tests.search.fakes import FakeEvaluator, ShuffledExecutor

FLAGS = (
    "--searchers=random,evolution", "--num_groups=1", "--trials=30", "--candidates=8", "--finalists=3", "--seeds=4",
)  # fmt: skip
HELD_OUT = suite.HELD_OUT[:2]  # Two are enough here.


class Executors:
    """Replaces worker processes, and records their setups."""

    def __init__(self, monkeypatch, stop_after=None):
        self.setups, self.jobs, self._stop_after = [], 0, stop_after
        monkeypatch.setattr(Work, "executor", lambda work, setup, seconds=0.0: self._make(setup))

    def _make(self, setup):
        self.setups.append(setup.task)
        made = ShuffledExecutor(1, None if self._stop_after is None else self._stop_after - self.jobs)
        make_run = made.run

        def counted(jobs):
            for result in make_run(jobs):
                self.jobs += 1
                yield result

        made.run = counted
        return made


@pytest.fixture(autouse=True)
def _few_tasks(monkeypatch):
    monkeypatch.setattr(suite, "HELD_OUT", HELD_OUT)
    monkeypatch.setattr("nos_tf.table.names", list)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def held_out_reads(monkeypatch, folder):
    """Records, for each time that the data of a held-out task are read, whether the finalists were frozen by then."""
    reads = []

    def watched(task):
        def load(data_dir):
            reads.append((folder / frozen.FILE).exists())
            return task.load(data_dir)

        return dataclasses.replace(task, load=load)

    changed = {name: watched(task_module._TASKS[name]) for name in HELD_OUT}
    monkeypatch.setattr(task_module, "_TASKS", task_module._TASKS | changed)
    return reads


def test_held_out_tasks_are_read_after_the_finalists_are_frozen(monkeypatch, folder, held_out_reads):
    executors = Executors(monkeypatch)
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}") == 0
    assert held_out_reads
    assert all(held_out_reads)
    first = executors.setups.index(HELD_OUT[0])
    assert set(executors.setups[:first]) == {"suite"}
    assert set(executors.setups[first:]) == set(HELD_OUT)
    results = json.loads((folder / "results.json").read_text())
    assert results["experiment"] == "discover"
    assert results["procedure"]["search_tasks"] == list(suite.SEARCH)
    assert len(results["rules"]) == 3 + 9
    for rule in results["rules"]:
        assert rule["test_rewards"].keys() == set(HELD_OUT)
        assert all(len(seeds) == 4 for seeds in rule["test_rewards"].values())
    with Store.read(folder / f"{HELD_OUT[0]}.judged.sqlite") as store:
        trainings = store.trainings()
    assert {one.stage for one in trainings} == set(judging.STAGES[1:])
    for one in trainings:  # Long ones, of which only the test reads test data, at rates tuned before.
        split = "test" if one.stage == judging.TEST else "validation"
        expected = FakeEvaluator().train(one.program, one.learning_rate, one.seed, split, long=True)
        assert one.evaluation == expected
        assert one.stage != judging.TEST or 0.15 < one.learning_rate < 0.27  # 0.2 is best.
    assert (folder / "discover.md").read_text().count("| baseline |") == 9
    assert (folder / "discover.png").stat().st_size > 10_000


def test_a_stopped_funnel_ends_like_an_uninterrupted_one(monkeypatch, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    count = Executors(monkeypatch)
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={whole}") == 0
    for stop_after in (10, 55, 150, 400):
        assert stop_after < count.jobs
        Executors(monkeypatch, stop_after)
        assert run(monkeypatch, script, *FLAGS, f"--run_dir={stopped}") == 130
    Executors(monkeypatch)
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={stopped}") == 0
    first, second = (json.loads((path / "results.json").read_text()) for path in (whole, stopped))
    for results in (first, second):
        del results["finalists_sha256"]  # The hashed file contains the time.
    assert first == second


def test_frozen_finalists_do_not_change(tmp_path):
    path = tmp_path / frozen.FILE
    first, second = (
        racing.Racer(candidates.Candidate(parse(rule), "nobody", 1.0), [Evaluation(0.5, TRAINED, 0.1)])
        for rule in ("g * m", "g / m")
    )
    for racer in (first, second):
        frozen.freeze(path, [racer], {"search_tasks": ["digits"]})
        assert [str(one.program) for one in frozen.load(path)] == ["g * m"]
    assert json.loads(path.read_text())["finalists"][0]["learning_rates"] == {"digits": 0.1}


def test_nothing_can_be_judged_without_finalists(tmp_path):
    values = {"data_dir": None}
    with pytest.raises(RunError, match="held out from every search"):
        judging.setup(HELD_OUT[0], tmp_path / frozen.FILE, values)
    with pytest.raises(RunError, match="held out from every search"):
        judging.nothing(tmp_path / frozen.FILE, values)


def test_seeds_of_all_stages_differ():
    seeds = judging.procedure({"task": "suite", "seed": 3, "seeds": 10})["seeds"]
    raced = racing.derived_seeds(3, racing.Purpose.DISCOVERY_RACE, sum(racing.SEEDS))
    every = [seed for stage in seeds.values() for seed in stage] + raced
    assert len(set(every)) == len(every) == 1 + 2 + 5 + 10 + 8


def test_a_run_ends_cleanly_when_its_time_is_up(monkeypatch, folder):
    Executors(monkeypatch)
    assert run(monkeypatch, script, *FLAGS, f"--run_dir={folder}", "--stop_after=0") == 0
    assert not (folder / "results.json").exists()
    with Store.read(folder / "random-1.sqlite") as store:
        assert len(store.trials()) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (f"--task={HELD_OUT[0]}", "held out from every search"),
        ("--task=digits_rows", "Unknown task"),
        ("--searchers=genetic", "Unknown searcher"),
        ("--num_groups=5", "Rules must have 1 to 4 groups"),
        ("--search_dir=/nowhere", "contains no search"),
        ("--finalists=11", "finalists"),
    ],
)
def test_refusals_write_nothing(monkeypatch, folder, capsys, wrong, message):
    assert run(monkeypatch, script, wrong, f"--run_dir={folder}") == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert len(error.splitlines()) == 1
    assert not folder.exists()


def test_candidates_are_distinct_and_not_baselines():
    found = [
        candidates.Candidate(parse(text), "somebody", reward)
        for text, reward in (("g * 2", 0.9), ("m * g", 0.8), ("g * m", 0.7), ("sign(g) * m", 0.6), ("adam", 0.5))
    ]
    assert [str(one.program) for one in candidates.distinct(found)] == ["m * g", "sign(g) * m"]
