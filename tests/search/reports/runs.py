"""Runs with fake trainings, for the tests of the reports."""

from __future__ import annotations

from pathlib import Path

from nos_tf.dsl import SearchSpace
from nos_tf.search import loop, race
from nos_tf.search.baselines import run_baselines
from nos_tf.search.observer import Observer
from nos_tf.search.reports.run_data import RunData, load
from nos_tf.search.store import Store
from tests.search.fakes import DATA_LABEL, FakeSearcher, ShuffledExecutor

FLAGS = {"trials": 60, "searcher": "ppo", "operands": ["g", "m"], "task": "fake"}


def fresh_seeds(stage: str, count: int) -> list[int]:
    """Returns seeds for a stage of the race."""
    return [1_000 * race.STAGES.index(stage) + number for number in range(count)]


def make(folder: Path, policy_trials: int = 40, with_finals: bool = True, data_label: str = DATA_LABEL) -> RunData:
    """Makes a run with 20 random trials and some from a policy."""
    space = SearchSpace(num_groups=2, operands=("g", "m", "v", "sign(g)"))
    executor, observer = ShuffledExecutor(), Observer()
    folder.mkdir()
    record = {"flags": FLAGS, "versions": {"python": "3.11.2"}, "data_label": data_label}
    with Store.create(folder / "trials.sqlite", record) as store:
        for source, trials in (("random", 20), ("ppo", policy_trials)):
            loop.run_stage(loop.Stage(source, FakeSearcher(space, trials), trials, 4, 0), store, executor, observer)
        if with_finals:
            run_baselines(store, executor, observer, seed=0)
            race.run(store, executor, observer, fresh_seeds, test_seeds=4)
    return load(folder)
