"""Searchers compared by trainings, where no table reaches: how good the rule is that each has chosen by then.

The highest of many rewards is partly luck. So, as at the end of a real search, the rules with the highest rewards race
from fresh seeds. They do so at each budget, and the winner of all races so far is chosen: its value is measured with
other seeds. Searches of the same seed share the initial weights of the children, so they are compared in pairs. Rules
that fail early cost few training steps, so the steps of the searches are compared as well.
"""

from __future__ import annotations

import collections
import functools
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from experiments.compare_searchers.statistics import correct, reported
from nos_tf import searchers
from nos_tf.common import run_folder, style
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.statistics import mean_interval, paired_difference
from nos_tf.common.tensorflow_loading import load_single_threaded, set_environment
from nos_tf.common.text import difference, markdown_table
from nos_tf.dsl import Program
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.search.baselines import run_baselines
from nos_tf.search.configuration import BATCH_SIZE, Configuration, Purpose, derived_seeds
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Job, check_results
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.loop import Stage, run_stage
from nos_tf.search.observer import Observer
from nos_tf.search.race import RACERS, ranked
from nos_tf.search.store import Store

BUDGETS = (100, 300, 1_000)
TABLE = "searchers.md"
_FRESH_SEEDS = 3  # For the race, and as many others for the value.
_HEADER = (
    "searcher",
    "rules",
    "training steps, of random's",
    "reward of the chosen rule",
    "more than random's (Holm)",
    "mean of all rules",
)


def describe(flags: Mapping[str, Any]) -> str:
    """The data that rules are trained on.

    Raises:
      RunError: There is no such task, or its data are missing.
    """
    return _setup(flags).describe_data()


def run(folder: RunFolder, flags: Mapping[str, Any], data: str) -> None:
    """Runs the searches that are missing, and writes and shows the comparison."""
    set_environment()
    names = list(dict.fromkeys(["random", *flags["searchers"]]))
    seeds = range(flags["seed"], flags["seed"] + flags["seeds"])
    pairs = [(name, seed) for seed in seeds for name in names]
    missing = [pair for pair in pairs if not _path(folder.path, *pair).exists()]
    work = (joblib.delayed(_search)(folder.path, flags, *pair) for pair in missing)
    for done, (name, seed) in enumerate(joblib.Parallel(n_jobs=-1, return_as="generator_unordered")(work), start=1):
        print(f"{name}, seed {seed}: {done} of {len(missing)} searches", flush=True)
    found = {pair: run_folder.read_json(_path(folder.path, *pair)) for pair in pairs}
    entries = compare({name: [found[name, seed] for seed in seeds] for name in names}, _budgets(flags["trials"]))
    run_folder.write_json(
        folder / run_folder.RESULTS,
        {"experiment": "compare_searchers", "dataset": data, "scale": {"seeds": list(seeds)}, "searchers": entries},
    )
    text = markdown_table(_HEADER, [_row(one) for one in entries])
    run_folder.write_text(
        folder / TABLE, f"Data: {data}. Mean and 95% Student's t interval over {len(seeds)} seeds.\n\n{text}"
    )
    style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def _setup(flags: Mapping[str, Any]) -> EvaluatorSetup:
    return EvaluatorSetup(flags["task"], data_dir=flags["data_dir"])


def _path(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-{seed}.json"


@functools.lru_cache(maxsize=1)
def _executor(setup: EvaluatorSetup) -> InProcess:
    """Of this process, as its graphs take a while to trace."""
    return InProcess(setup.build)


def _search(folder: Path, flags: Mapping[str, Any], name: str, seed: int) -> tuple[str, int]:
    """Runs one search, or what is missing of it, and the race of its best rules."""
    load_single_threaded()
    executor = _executor(_setup(flags))
    path = folder / f"{name}-{seed}.sqlite"
    space = SearchSpace(flags["num_groups"], constraints=frozenset(CONSTRAINTS))
    with Store.open(path) if path.exists() else Store.create(path, {"task": flags["task"]}) as store:
        further = derived_seeds(seed, Purpose.COMPARED_CONFIRMATION, Configuration.confirmation_seeds)
        confirmation = run_baselines(store, executor, Observer(), seed, further)
        stage = Stage(name, searchers.get(name, space, seed), flags["trials"], BATCH_SIZE, seed, confirmation)
        run_stage(stage, store, executor, Observer())
        trials = [trial for trial in store.trials() if trial.duplicate_of is None]
    racers = {
        budget: [trial.program for trial in ranked(trials[:budget])[:RACERS]] or [trials[0].program]
        for budget in _budgets(flags["trials"])
    }
    fresh = derived_seeds(seed, Purpose.COMPARED_RACE, 2 * _FRESH_SEEDS)
    raced = _measure(executor, [rule for rules in racers.values() for rule in rules], fresh[:_FRESH_SEEDS])
    chosen = {budget: max(rules, key=raced.__getitem__) for budget, rules in racers.items()}
    values = _measure(executor, list(chosen.values()), fresh[_FRESH_SEEDS:])
    result = {
        "rewards": [trial.reward for trial in trials],
        "chosen": [
            {
                "rules": budget,
                "rule": str(rule),
                "raced": raced[rule],
                "value": values[rule],
                "steps": sum(trial.evaluation.steps for trial in trials[:budget] if trial.evaluation is not None),
            }
            for budget, rule in chosen.items()
        ],
    }
    run_folder.write_json(_path(folder, name, seed), result)
    return name, seed


def _measure(executor: InProcess, rules: Sequence[Program], seeds: Sequence[int]) -> dict[Program, float]:
    """Mean reward of each rule over the seeds."""
    pairs = itertools.product(dict.fromkeys(rules), seeds)
    rewards = collections.defaultdict(list)
    results = list(executor.run([Job(number, rule, seed) for number, (rule, seed) in enumerate(pairs)]))
    check_results(evaluation for _, evaluation in results)
    for job, evaluation in results:
        rewards[job.program].append(evaluation.reward)
    return {rule: float(np.mean(found)) for rule, found in rewards.items()}


def _budgets(trials: int) -> list[int]:
    return reported(BUDGETS, trials)


def compare(runs: Mapping[str, Sequence[Mapping[str, Any]]], budgets: Sequence[int]) -> list[dict[str, Any]]:
    """Figures of each searcher at each budget, paired by seed with random search; p-values are Holm-corrected.

    Args:
      runs: By searcher, random search among them, the result of each seed.
      budgets: Numbers of evaluated rules.
    """
    entries = []
    for name, found in runs.items():
        for place, budget in enumerate(budgets):
            values, random = ([_value(one, place) for one in each] for each in (found, runs["random"]))
            steps, of_random = (
                float(np.mean([one["chosen"][place]["steps"] for one in each])) for each in (found, runs["random"])
            )
            value, value_half_width = mean_interval(values)
            mean, mean_half_width = mean_interval([float(np.mean(one["rewards"][:budget])) for one in found])
            entry: dict[str, Any] = {
                "searcher": name,
                "rules": budget,
                "steps": steps,
                "steps_of_random": steps / of_random if of_random else None,  # None: nothing was worth training.
                "value": value,
                "value_half_width": value_half_width,
                "mean": mean,
                "mean_half_width": mean_half_width,
            }
            if name != "random":
                pair = paired_difference(values, random)
                entry |= {"difference": pair.mean, "difference_half_width": pair.half_width, "p": pair.p}
            entries.append(entry)
    correct(entries)
    return entries


def _value(run: Mapping[str, Any], place: int) -> float:
    """Value of the rule that has won all races of a search up to a budget."""
    return max(run["chosen"][: place + 1], key=lambda one: one["raced"])["value"]


def _row(one: Mapping[str, Any]) -> list[str]:
    steps = one["steps_of_random"]
    cells = [one["searcher"], f"{one['rules']:,}", "" if steps is None else f"{steps:.1f}"]
    cells.append(f"{one['value']:.3f} ± {one['value_half_width']:.3f}")
    mean = f"{one['mean']:.3f} ± {one['mean_half_width']:.3f}"
    if "p" not in one:
        return [*cells, "", mean]
    return [*cells, difference(one["difference"], one["difference_half_width"], one["p"]), mean]
