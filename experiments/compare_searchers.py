"""Compares searchers at equal budget over several seeds: python -m experiments.compare_searchers --run_dir=runs/mine

Each searcher evaluates the same number of distinct rules from each seed, with its default settings and the search's own
protocol. Shown are mean and 95% confidence interval over seeds of the best reward, of the mean reward of all rules and
of the last quarter of them. The stores are kept in the run folder; with --resume, a run goes on where it was stopped.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from absl import flags

from nos_tf import run_folder, searchers, style
from nos_tf.cli import application, shared_flags
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.errors import RunError, unknown
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

NAME = "compare_searchers"
TABLE = "searchers.md"
_HEADER = ("searcher", "rules a run", "best reward", "mean of all rules", "mean of the last quarter")


def main() -> NoReturn:
    """Runs the comparison and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_list("searchers", ["random", "ppo", "trpo", "evolution"], "Searchers to compare.")
    flags.DEFINE_integer("seeds", 3, "Seeds of each searcher, from --seed on.", lower_bound=2)
    flags.DEFINE_integer("trials", 200, "Distinct rules a run.", lower_bound=8)
    flags.DEFINE_integer("num_groups", 2, "Groups of a rule.", lower_bound=1, upper_bound=4)
    flags.DEFINE_string("task", "digits", "Task.")
    application.run(_main, "Interrupted. Every finished trial is saved; the same command with --resume goes on.")


def _main() -> None:
    values = shared_flags.values()
    if names := [name for name in values["searchers"] if name not in searchers.names()]:
        raise RunError(unknown("searcher", names[0], searchers.names()))
    setup = EvaluatorSetup(values["task"], data_dir=values["data_dir"])
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        label = setup.describe_data()
        folder.begin(NAME, values, shared_flags.WITHOUT_NUMBERS)
        print(f"Run folder: {folder.path}", flush=True)
        seeds = range(values["seed"], values["seed"] + values["seeds"])
        runs: dict[str, list[list[float]]] = {}
        with InProcess(setup.build) as executor:
            for searcher in values["searchers"]:
                for seed in seeds:
                    runs.setdefault(searcher, []).append(_rewards(searcher, seed, executor, folder))
                    print(f"{searcher}, seed {seed}: best reward {max(runs[searcher][-1]):.4f}", flush=True)
        results = {"experiment": NAME, "dataset": label, "scale": {"seeds": list(seeds)}, "rewards": runs}
        run_folder.write_json(folder / run_folder.RESULTS, results)
        table = markdown_table(_HEADER, [_row(searcher, found) for searcher, found in runs.items()])
        run_folder.write_text(
            folder / TABLE, f"Data: {label}. Mean and 95% Student's t interval over seeds.\n\n{table}"
        )
        style.console().print(table, markup=False, highlight=False, soft_wrap=True)


def _rewards(searcher: str, seed: int, executor: Executor, folder: RunFolder) -> list[float]:
    """Rewards of one search in the order of its trials, from its store where they are there already."""
    path = folder / f"{searcher}-{seed}.sqlite"
    trials = flags.FLAGS.trials
    space = SearchSpace(flags.FLAGS.num_groups, constraints=frozenset(CONSTRAINTS))
    with Store.open(path) if path.exists() else Store.create(path, {"task": flags.FLAGS.task}) as store:
        stage = Stage(searcher, searchers.get(searcher, space, seed), trials, BATCH_SIZE, seed)
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


if __name__ == "__main__":
    main()
