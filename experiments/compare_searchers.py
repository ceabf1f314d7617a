r"""Compares searchers at equal budget over several seeds: python -m experiments.compare_searchers

Each searcher evaluates the same number of distinct rules from each seed, with its default settings and the search's own
protocol. Prints mean and 95% confidence interval over seeds of the best reward, of the mean reward of all rules and of
the last quarter of them. The stores are kept in the run folder; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from nos_tf import searchers
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Executor
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.loop import Stage, run_stage
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.statistics import mean_interval

_RUN_DIR = flags.DEFINE_string("run_dir", "runs/compare_searchers", "Folder of the stores.")
_SEARCHERS = flags.DEFINE_list("searchers", ["random", "ppo", "trpo", "evolution"], "Searchers to compare.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Seeds of each searcher.", lower_bound=2)
_TRIALS = flags.DEFINE_integer("trials", 200, "Distinct rules a run.", lower_bound=8)
_NUM_GROUPS = flags.DEFINE_integer("num_groups", 2, "Groups of a rule.", lower_bound=1, upper_bound=4)
_TASK = flags.DEFINE_string("task", "digits", "Task.")

_BATCH_SIZE = 8


def rewards(searcher: str, seed: int, executor: Executor, folder: pathlib.Path) -> np.ndarray:
    """Rewards of one search in the order of its trials, from its store where they are there already."""
    path = folder / f"{searcher}-{seed}.sqlite"
    space = SearchSpace(_NUM_GROUPS.value, constraints=frozenset(CONSTRAINTS))
    with Store.open(path) if path.exists() else Store.create(path, {"task": _TASK.value}) as store:
        stage = Stage(searcher, searchers.get(searcher, space, seed), _TRIALS.value, _BATCH_SIZE, seed)
        run_stage(stage, store, executor, Observer())
        return np.array([trial.reward for trial in store.trials() if trial.duplicate_of is None])


def main(argv: Sequence[str]) -> None:
    del argv
    folder = pathlib.Path(_RUN_DIR.value)
    folder.mkdir(parents=True, exist_ok=True)
    print("| searcher | rules a run | best reward | mean of all rules | mean of the last quarter |")
    print("| --- | --- | --- | --- | --- |")
    setup = EvaluatorSetup(_TASK.value)
    with InProcess(setup.build) as executor:
        for searcher in _SEARCHERS.value:
            runs = [rewards(searcher, seed, executor, folder) for seed in range(_SEEDS.value)]
            columns = []
            for values in (
                [run.max() for run in runs],
                [run.mean() for run in runs],
                [run[-len(run) // 4 :].mean() for run in runs],
            ):
                mean, half_width = mean_interval(values)
                columns.append(f"{mean:.3f} ± {half_width:.3f}")
            counts = ", ".join(str(len(run)) for run in runs)
            print(f"| {searcher} | {counts} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    app.run(main)
