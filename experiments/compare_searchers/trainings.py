"""Compares searchers by training rules: mean and interval over seeds of the best reward and of the mean reward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nos_tf import run_folder, searchers, style
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.run_folder import RunFolder
from nos_tf.search.configuration import BATCH_SIZE
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Executor
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.loop import Stage, run_stage
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.statistics import mean_interval
from nos_tf.text import markdown_table

TABLE = "searchers.md"
_HEADER = ("searcher", "rules per run", "best reward", "mean of all rules", "mean of the last quarter")


def describe(flags: Mapping[str, Any]) -> str:
    """Description of the data.

    Raises:
      RunError: There is no such task, or its data are missing.
    """
    return _setup(flags).describe_data()


def run(folder: RunFolder, flags: Mapping[str, Any], data: str) -> None:
    """Runs missing trainings, then writes and prints the comparison."""
    seeds = range(flags["seed"], flags["seed"] + flags["seeds"])
    runs: dict[str, list[list[float]]] = {}
    with InProcess(_setup(flags).build) as executor:
        for searcher in flags["searchers"]:
            for seed in seeds:
                runs.setdefault(searcher, []).append(_rewards(folder, flags, searcher, seed, executor))
                print(f"{searcher}, seed {seed}: best reward {max(runs[searcher][-1]):.4f}", flush=True)
    results = {"experiment": "compare_searchers", "dataset": data, "scale": {"seeds": list(seeds)}, "rewards": runs}
    run_folder.write_json(folder / run_folder.RESULTS, results)
    table = markdown_table(_HEADER, [_row(searcher, found) for searcher, found in runs.items()])
    run_folder.write_text(folder / TABLE, f"Data: {data}. Mean and 95% Student's t interval over seeds.\n\n{table}")
    style.console().print(table, markup=False, highlight=False, soft_wrap=True)


def _setup(flags: Mapping[str, Any]) -> EvaluatorSetup:
    return EvaluatorSetup(flags["task"], data_dir=flags["data_dir"])


def _rewards(folder: RunFolder, flags: Mapping[str, Any], searcher: str, seed: int, executor: Executor) -> list[float]:
    """Rewards of one search in the order of its trials; resumes from its store if there is one."""
    path = folder / f"{searcher}-{seed}.sqlite"
    space = SearchSpace(flags["num_groups"], constraints=frozenset(CONSTRAINTS))
    with Store.open(path) if path.exists() else Store.create(path, {"task": flags["task"]}) as store:
        stage = Stage(searcher, searchers.get(searcher, space, seed), flags["trials"], BATCH_SIZE, seed)
        run_stage(stage, store, executor, Observer())
        return [trial.reward for trial in store.trials() if trial.duplicate_of is None]


def _row(searcher: str, runs: list[list[float]]) -> list[str]:
    means = (
        [max(run) for run in runs],
        [float(np.mean(run)) for run in runs],
        [float(np.mean(run[-len(run) // 4 :])) for run in runs],
    )
    cells = []
    for values in means:
        mean, half_width = mean_interval(values)
        cells.append(f"{mean:.3f} ± {half_width:.3f}")
    return [searcher, ", ".join(str(len(run)) for run in runs), *cells]
