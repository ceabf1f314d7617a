"""The cost of learning from late results: python -m experiments.staleness --run_dir=runs/staleness

Runs searchers on the table of all one-group rules with simulated training times, so that 100 workers need no cluster:
batch by batch, and asynchronously with one rule per worker in training. Reports the regret (the value of the best rule
in the table minus that of the selected one) by number of rules and by time. Stores are kept in the run folder; continue
with --resume.
"""

from __future__ import annotations

import collections
import heapq
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import joblib
import numpy as np
from absl import flags

from experiments import tables
from experiments.compare_searchers.lookup import SPACE, curve
from nos_tf import searchers
from nos_tf.cli import application, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import RunError, require_known
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.statistics import mean_interval
from nos_tf.common.tensorflow_loading import load_single_threaded, set_environment
from nos_tf.common.text import markdown_table
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search import asynchronous, loop
from nos_tf.search.configuration import BATCH_SIZE
from nos_tf.search.executors.job import Job, Jobs, as_queue
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Trial
from nos_tf.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "staleness"
TABLE = "staleness.md"
FIGURE = "staleness.png"
_SPREAD = 0.5  # Standard deviation of the logarithm of training times; their median is 1.
_LEAST = 1e-4  # Smaller mean regrets are drawn as this one.
_HEADER = ("searcher", "workers", "learning", "updates late", "regret", "mean of all rules", "time", "workers busy")


def duration(job: int, seed: int) -> float:
    """Simulated duration of a training."""
    return float(np.random.default_rng((seed, 2, job)).lognormal(0.0, _SPREAD))


class Simulated:
    """An executor whose workers only take simulated time.

    Args:
      workers: Number of workers.
      table: Table with the rules' rewards.
      seed: Seed of the training times.
    """

    def __init__(self, workers: int, table: Table, seed: int):
        self.workers = workers
        self._table = table
        self._seed = seed
        self._clock = 0.0

    def __enter__(self) -> Simulated:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        """Yields jobs in the order in which the workers would finish them; `seconds` is the simulated time."""
        waiting = as_queue(jobs)
        busy: list[tuple[float, int, Job]] = []
        while waiting or busy:
            while waiting and len(busy) < self.workers:
                job = waiting.popleft()
                heapq.heappush(busy, (self._clock + duration(job.id, self._seed), job.id, job))
            self._clock, _, job = heapq.heappop(busy)
            reward = float(self._table.content.reward[self._table.number(job.program)])
            yield job, Evaluation(reward, TRAINED, 0.1, seconds=self._clock)


def main() -> NoReturn:
    """Runs the study and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_string("table", "digits", "Table to search.")
    flags.DEFINE_list("searchers", ["random", "evolution", "ppo", "trpo"], "Searchers to study.")
    flags.DEFINE_list("workers", ["1", "10", "100"], "Numbers of workers.")
    flags.DEFINE_integer("seeds", 10, "Number of seeds, starting at --seed.", lower_bound=2)
    flags.DEFINE_integer("trials", 1000, "Distinct rules per run.", lower_bound=16)
    interrupted = "Interrupted. Finished searches are saved; rerun the same command with --resume to continue."
    application.run(_main, interrupted)


def _main() -> None:
    values = shared_flags.values()
    require_known("searcher", values["searchers"], searchers.names())
    workers = values["workers"]
    if not workers or not all(number.isdecimal() and int(number) > 0 for number in workers):
        raise RunError(f"Name numbers of workers of at least 1. Received: --workers={','.join(workers)}")
    data = tables.load(values["table"]).content.facts["data"]
    set_environment()
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        folder.begin(NAME, values | tables.identity(values["table"]), shared_flags.WITHOUT_NUMBERS)
        print(f"Run folder: {folder.path}", flush=True)
        seeds = range(values["seed"], values["seed"] + values["seeds"])
        runs = []
        for searcher in values["searchers"]:
            for workers in map(int, values["workers"]):
                for late in (False, True) if workers > 1 else (False,):
                    work = (joblib.delayed(_run)(folder.path, values, searcher, workers, late, seed) for seed in seeds)
                    by_seed = joblib.Parallel(n_jobs=-1)(work)
                    runs.append({"searcher": searcher, "workers": workers, "late": late, "seeds": by_seed})
                    print(" ".join(_row(runs[-1])), flush=True)
        dataset = f"table of rules on {data}, simulated times"
        results = {"experiment": NAME, "dataset": dataset, "runs": [_as_json(run) for run in runs]}
        run_folder.write_json(folder / run_folder.RESULTS, results)
        text = markdown_table(_HEADER, [_row(run) for run in runs])
        run_folder.write_text(folder / TABLE, text)
        with run_folder.replacing(folder / FIGURE) as path:
            _figure(runs).savefig(path, dpi=120)
        style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def _run(folder: Path, flags: Mapping[str, Any], searcher: str, workers: int, late: bool, seed: int) -> dict[str, Any]:
    """Results of one search, read from its store if it was run before."""
    load_single_threaded()
    table = tables.load(flags["table"])
    path = folder / f"{searcher}-{workers if late else 'synchronous'}-{seed}.sqlite"
    trials = _trials(path, searcher, workers if late else None, seed, flags["trials"], table)
    evaluated = [trial for trial in trials if trial.evaluation is not None]
    busy = sum(duration(trial.id, seed) for trial in evaluated)
    if late:
        evaluated.sort(key=_finished)
        times = [_finished(trial) for trial in evaluated]
    else:
        times = _times(evaluated, workers, seed)
    numbers = np.array([table.number(trial.program) for trial in evaluated])
    regrets = curve(numbers, np.arange(1, len(numbers) + 1), table).regret
    return {
        "regrets": regrets,
        "times": times,
        "mean_reward": float(np.mean([trial.reward for trial in evaluated])),
        "staleness": float(np.mean([trial.staleness for trial in trials])),
        "busy": busy / (workers * max(times)),
        "regret": regrets[-1],
        "time": max(times),
    }


def _finished(trial: Trial) -> float:
    assert trial.evaluation is not None
    return trial.evaluation.seconds


def _trials(path: Path, searcher: str, in_flight: int | None, seed: int, count: int, table: Table) -> list[Trial]:
    """Trials of one search. Those of a synchronous search do not depend on the number of workers."""
    if path.exists():
        with Store.read(path) as store:
            trials = store.trials()
        if sum(trial.evaluation is not None for trial in trials) == count:
            return trials
        path.unlink()  # A simulation cannot be resumed because its clock is not stored.
    stage = loop.Stage(searcher, searchers.get(searcher, SPACE, seed), count, BATCH_SIZE, seed)
    executor = Simulated(in_flight or 1, table, seed)
    with Store.create(path, {}) as store:
        if in_flight is None:
            loop.run_stage(stage, store, executor, Observer())
        else:
            asynchronous.run_stage(stage, in_flight, store, executor, Observer())
        return store.trials()


def _times(trials: Sequence[Trial], workers: int, seed: int) -> list[float]:
    """Time at which each trial of a synchronous search is finished; a batch starts after the previous one has ended."""
    batches: dict[int, list[int]] = collections.defaultdict(list)
    for trial in trials:
        batches[trial.batch].append(trial.id)
    clock = 0.0
    times: list[float] = []
    for jobs in batches.values():
        free = [clock] * workers
        for job in jobs:
            heapq.heapreplace(free, free[0] + duration(job, seed))
        clock = max(free)
        times += [clock] * len(jobs)
    return times


def _as_json(run: dict[str, Any]) -> dict[str, Any]:
    """A run without its curves, which are long."""
    curves = ("regrets", "times")
    return run | {"seeds": [{name: one[name] for name in one if name not in curves} for one in run["seeds"]]}


def _row(run: dict[str, Any]) -> list[str]:
    by_seed = run["seeds"]

    def cell(values: Sequence[float], digits: int) -> str:
        mean, half_width = mean_interval(values)
        return f"{mean:.{digits}f} ± {half_width:.{digits}f}"

    return [
        run["searcher"],
        str(run["workers"]),
        "as results arrive" if run["late"] else "batch by batch",
        cell([one["staleness"] for one in by_seed], 1),
        cell([one["regret"] for one in by_seed], 4),
        cell([one["mean_reward"] for one in by_seed], 3),
        cell([one["time"] for one in by_seed], 0),
        f"{np.mean([one['busy'] for one in by_seed]):.0%}",
    ]


def _figure(runs: Sequence[dict[str, Any]]) -> Figure:
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(run["searcher"] for run in runs))
    figure = Figure(figsize=(3.2 * len(names), 5.6), layout="constrained")
    axes = figure.subplots(2, len(names), sharey=True, squeeze=False)
    for column, name in enumerate(names):
        axes[0, column].set_title(name)
        mine = [run for run in runs if run["searcher"] == name]
        workers = list(dict.fromkeys(run["workers"] for run in mine))
        for run in mine:
            regret = np.maximum(np.mean([one["regrets"] for one in run["seeds"]], axis=0), _LEAST)
            times = np.mean([one["times"] for one in run["seeds"]], axis=0)
            look = {
                "color": style.PALETTE[workers.index(run["workers"])],
                "linestyle": "-" if run["late"] or run["workers"] == 1 else "--",
                "label": f"{run['workers']}, {'as results arrive' if run['late'] else 'batch by batch'}",
            }
            if run["late"] or run["workers"] == 1:
                axes[0, column].loglog(np.arange(1, len(regret) + 1), regret, **look)
            axes[1, column].loglog(times, regret, **look)
        axes[0, column].set_xlabel("rules")
        axes[1, column].set_xlabel("time (trainings, median)")
    for row in axes:
        row[0].set_ylabel("regret")
    figure.legend(
        *axes[1, 0].get_legend_handles_labels(), title="workers", ncols=3, loc="outside lower center", fontsize="small"
    )
    return figure


if __name__ == "__main__":
    main()
