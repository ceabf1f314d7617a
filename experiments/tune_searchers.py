"""Tunes the settings of searchers on a table of rules: python -m experiments.tune_searchers --run_dir=runs/tuning

Runs each searcher on the table with random settings, including the defaults, and a few seeds; then runs the best
quarter of the settings, and the defaults, again with fresh seeds, and so on until few are left. The best of several
settings looks better than it is, all the more the fewer seeds decide. Settings are ranked by
the mean over budgets of the regret, relative to random search with the same budget and seeds, and compared in pairs
with the defaults. Seeds start at 10,000 so that `compare_searchers` uses different ones. Finished settings are kept in
the run folder; continue with --resume, optionally with more searchers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import joblib
import numpy as np
from absl import flags

from experiments import tables
from experiments.compare_searchers.lookup import curve, search
from nos_tf import searchers
from nos_tf.cli import application, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import require_known
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.statistics import mean_interval, paired_difference
from nos_tf.common.tensorflow_loading import load_single_threaded, set_environment
from nos_tf.common.text import markdown_table

NAME = "tune_searchers"
TABLE = "tuned_searchers.md"
BUDGETS = (100, 300, 1_000)
FIRST_SEED = 10_000
_KEPT = 4  # One in this many settings reaches the next round, with this many times the seeds.
_HEADER = (
    "searcher",
    "settings",
    "seeds",
    "regret, of random search's",
    "minus the defaults'",
    *(f"at {budget:,}" for budget in BUDGETS),
)

# Ranges of random settings: log-uniform between two numbers, or one of several values.
_LOG = "log"
_CONTROLLER = {
    "units": (32, 64, 150),
    "entropy_weight": (_LOG, 3e-4, 0.1),
    "baseline_decay": (0.5, 0.8, 0.9, 0.95),
    "repeats_earn": (False, True),
}
RANGES: dict[str, dict[str, tuple[Any, ...]]] = {
    "ppo": _CONTROLLER | {"learning_rate": (_LOG, 3e-4, 0.03), "epochs": (1, 2, 4, 8), "clip": (0.1, 0.2, 0.4)},
    "reinforce": _CONTROLLER | {"learning_rate": (_LOG, 3e-4, 0.1)},
    "trpo": _CONTROLLER | {"max_kl": (_LOG, 0.03, 3.0), "damping": (_LOG, 0.01, 1.0)},
    "evolution": {"population_size": (_LOG, 8, 200), "tournament_size": (_LOG, 2, 50)},
    "tree_descent": {"samples": (_LOG, 5, 200)},
}


def main() -> NoReturn:
    """Runs the tuning and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_list("searchers", list(RANGES), "Searchers to tune.")
    flags.DEFINE_string("table", "digits", "Table to search.")
    flags.DEFINE_integer("settings", 32, "Number of settings per searcher in the first round.", lower_bound=5)
    flags.DEFINE_integer("seeds", 8, "Number of seeds in the first round.", lower_bound=2)
    interrupted = "Interrupted. Finished settings are saved; rerun the same command with --resume to continue."
    application.run(_main, interrupted)


def _main() -> None:
    values = shared_flags.values()
    require_known("searcher", values["searchers"], RANGES)
    tables.load(values["table"])
    set_environment()
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        folder.begin(NAME, values | tables.identity(values["table"]), shared_flags.WITHOUT_NUMBERS | {"searchers"})
        print(f"Run folder: {folder.path}", flush=True)
        results = {name: _tune(folder.path, name, values) for name in values["searchers"]}
        run_folder.write_json(folder / run_folder.RESULTS, {"experiment": NAME, "searchers": results})
        text = markdown_table(_HEADER, [_row(name, one) for name, found in results.items() for one in found])
        run_folder.write_text(folder / TABLE, text)
        style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def draws(name: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Random settings of a searcher; the first ones are its defaults."""
    rng = np.random.default_rng((seed, sorted(RANGES).index(name)))
    return [{}, *({field: _draw(choices, rng) for field, choices in RANGES[name].items()} for _ in range(count - 1))]


def _draw(choices: tuple[Any, ...], rng: np.random.Generator) -> Any:
    if choices[0] != _LOG:
        return choices[rng.integers(len(choices))]
    _, low, high = choices
    value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return round(value) if isinstance(low, int) else float(f"{value:.2g}")


def _tune(folder: Path, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tunes a searcher; returns the settings of the last round, best first."""
    candidates = draws(name, values["settings"], values["seed"])
    first, count = FIRST_SEED, values["seeds"]
    while True:
        seeds = range(first, first + count)
        random = _regrets(folder, "random", [{}], seeds, values["table"])[0].mean(axis=0)
        regrets = _regrets(folder, name, candidates, seeds, values["table"])
        scores = [np.mean(results / random, axis=1) for results in regrets]
        order = sorted(range(len(candidates)), key=lambda index: scores[index].mean())
        of_defaults = scores[candidates.index({})]
        results = [_result(candidates[index], scores[index], of_defaults, regrets[index] / random) for index in order]
        print(f"{name}: {len(candidates)} settings, {count} seeds: {_row(name, results[0])[1:4]}", flush=True)
        if len(candidates) <= _KEPT:
            return results
        kept = [candidates[index] for index in order[: max(2, len(candidates) // _KEPT)]]
        candidates = [*kept, *([{}] if {} not in kept else [])]
        first, count = seeds.stop, count * _KEPT


def _result(
    settings: dict[str, Any], scores: np.ndarray, of_defaults: np.ndarray, shares: np.ndarray
) -> dict[str, Any]:
    mean, half_width = mean_interval(scores.tolist())
    result = {"settings": settings, "seeds": len(scores), "share": mean, "half_width": half_width}
    if settings:
        pair = paired_difference(scores.tolist(), of_defaults.tolist())
        result |= {"difference": pair.mean, "difference_half_width": pair.half_width}
    return result | {"at": shares.mean(axis=0).tolist()}


def _regrets(
    folder: Path, name: str, candidates: Sequence[dict[str, Any]], seeds: range, table: str
) -> list[np.ndarray]:
    """Regrets of each candidate, of shape `[seeds, budgets]`."""
    work = (joblib.delayed(_search)(folder, name, settings, seeds, table) for settings in candidates)
    return [np.array(found) for found in joblib.Parallel(n_jobs=-1)(work)]


def _search(folder: Path, name: str, settings: dict[str, Any], seeds: range, table_name: str) -> list[list[float]]:
    path = folder / f"{name}-{joblib.hash((settings, seeds))}.json"
    if path.exists():
        return json.loads(path.read_text("utf-8"))["regrets"]
    load_single_threaded()
    table = tables.load(table_name)
    regrets = []
    for seed in seeds:
        numbers = search(name, seed, max(BUDGETS), table, **settings)
        regrets.append(curve(numbers, np.array(BUDGETS), table).regret)
    run_folder.write_json(path, {"settings": settings, "seeds": [seeds.start, seeds.stop], "regrets": regrets})
    return regrets


def _row(name: str, one: Mapping[str, Any]) -> list[str]:
    default = vars(searchers.settings(name))
    settings = ", ".join(f"{field}={value}" for field, value in (one["settings"] or default).items())
    return [
        name,
        f"defaults: {settings}" if not one["settings"] else settings,
        str(one["seeds"]),
        f"{one['share']:.3f} ± {one['half_width']:.3f}",
        f"{one['difference']:+.3f} ± {one['difference_half_width']:.3f}" if one["settings"] else "",
        *(f"{share:.3f}" for share in one["at"]),
    ]


if __name__ == "__main__":
    main()
