"""Compares searchers on a table of all rules, by their distance from the optimum at each budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from experiments import tables
from experiments.compare_searchers import figure, paper, statistics
from experiments.compare_searchers.lookup import Curve, curve, search
from nos_tf.common import run_folder, style
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.tensorflow_loading import load_single_threaded, set_environment
from nos_tf.common.text import markdown_table
from nos_tf.table import Table

BUDGETS = (50, 100, 300, 1_000, 3_000, 5_000)
RANDOM_TRIALS = 10_000  # Trials of random search, enough to find the budget at which it matches other searchers.
TABLE = "searchers_on_table.md"
FIGURE = "searchers_on_table.png"
AS_IN_PAPER = {f"{name}_paper": name for name in paper.SETTINGS}  # Searchers with the paper's settings.
_PIECE = 10  # Number of seeds saved together.


def describe(flags: Mapping[str, Any]) -> str:
    """Description of the table.

    Raises:
      RunError: There is no such table.
    """
    facts = tables.load(flags["table"]).content.facts
    return f"table of {facts['space']} on {facts['data']}"


def run(folder: RunFolder, flags: Mapping[str, Any], described: str) -> None:
    """Runs missing searches, then writes and prints the comparison."""
    set_environment()
    names = list(dict.fromkeys(["random", *flags["searchers"]]))
    pieces = list(_pieces(names, flags))
    missing = [(name, seeds, trials) for name, seeds, trials in pieces if not _path(folder.path, name, seeds).exists()]
    at = checkpoints(flags["trials"])
    work = (joblib.delayed(_run_piece)(folder.path, flags["table"], at, *piece) for piece in missing)
    for done, name in enumerate(joblib.Parallel(n_jobs=-1, return_as="generator")(work), start=1):
        print(f"{name}: {done} of {len(missing)} pieces", flush=True)
    curves = {}
    for name in names:
        saved = [run_folder.read_json(_path(folder.path, *piece[:2])) for piece in pieces if piece[0] == name]
        parts = [np.concatenate([np.array(one[field], float) for one in saved]) for field in Curve._fields]
        curves[name] = Curve(*parts)
    budgets = statistics.reported(BUDGETS, flags["trials"])
    results = statistics.summary(curves, at, budgets, len(tables.load(flags["table"])))
    run_folder.write_json(
        folder / run_folder.RESULTS,
        {"experiment": "compare_searchers", "dataset": described, "scale": {"seeds": flags["seeds"]}} | results,
    )
    text = markdown_table(statistics.HEADER, statistics.rows(results))
    run_folder.write_text(folder / TABLE, f"Data: {described}; {flags['seeds']} seeds.\n\n{text}")
    with run_folder.replacing(folder / FIGURE) as path:
        figure.draw({name: each.regret for name, each in curves.items()}, at, flags["trials"]).savefig(path, dpi=120)
    style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def checkpoints(trials: int) -> np.ndarray:
    """Numbers of evaluated rules at which regrets are stored: all budgets, and points on a logarithmic scale."""
    spread = np.geomspace(10, max(RANDOM_TRIALS, trials), 60).round().astype(int)
    return np.unique([*spread, *BUDGETS, trials])


def _pieces(names: list[str], flags: Mapping[str, Any]) -> Iterator[tuple[str, range, int]]:
    every = range(flags["seed"], flags["seed"] + flags["seeds"])
    for name in names:
        trials = max(RANDOM_TRIALS, flags["trials"]) if name == "random" else flags["trials"]
        for start in range(0, len(every), _PIECE):
            yield name, every[start : start + _PIECE], trials


def _path(folder: Path, name: str, seeds: range) -> Path:
    return folder / f"{name}-{seeds.start}-{seeds.stop}.json"


def _run_piece(folder: Path, table_name: str, at: np.ndarray, name: str, seeds: range, trials: int) -> str:
    load_single_threaded()
    table = tables.load(table_name)
    curves = [curve(_search(name, seed, trials, table), at, table) for seed in seeds]
    run_folder.write_json(_path(folder, name, seeds), dict(zip(Curve._fields, zip(*curves, strict=True), strict=True)))
    return name


def _search(name: str, seed: int, trials: int, table: Table) -> np.ndarray:
    if name not in AS_IN_PAPER:
        return search(name, seed, trials, table)
    name = AS_IN_PAPER[name]
    return search(name, seed, trials, table, paper.BATCH_SIZE, **paper.SETTINGS[name])
