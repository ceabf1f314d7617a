"""Table and figure of a comparison."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.stats
from matplotlib.figure import Figure
from rich.table import Table

from experiments.rosenbrock.comparison import FUNCTIONS, Run
from nos_tf.common import style
from nos_tf.common.statistics import Interval, mean_interval
from nos_tf.common.text import markdown_escaped, markdown_table, number

COLUMNS = ("function", "optimizer", "learning rate", "epsilon", "final value", "lowest value", "diverged: best / grid")
_FLOOR = 1e-16  # Below this, float32 cannot distinguish the position from the minimum.


def rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the table for `results.json`: each optimizer at its best setting, best first.

    Values are means with 95% confidence intervals over the seeds that did not diverge.
    """
    lines: list[tuple[str, ...]] = []
    for kind in FUNCTIONS:
        optimizers: dict[str, list[Mapping[str, Any]]] = {}
        for run in results["runs"]:
            if run["function"] == kind:
                optimizers.setdefault(run["optimizer"], []).append(run)
        ranked = []
        for name, runs in optimizers.items():
            best = [run for run in runs if run["selected"]]
            finished = [run["metrics"] for run in best if run["status"] == "ok"]
            final, lowest = (mean_interval([run[key] for run in finished]) for key in ("final_value", "best_value"))
            epsilon = best[0]["epsilon"]
            line = (
                kind,
                name,
                number(best[0]["learning_rate"]),
                "-" if epsilon is None else number(epsilon),
                _text(final),
                _text(lowest),
                f"{len(best) - len(finished)} of {len(best)} / "
                f"{sum(run['status'] == 'diverged' for run in runs)} of {len(runs)}",
            )
            ranked.append((final.mean, line))
        lines += [line for _, line in sorted(ranked)]
    return lines


def to_markdown(results: Mapping[str, Any]) -> str:
    """The table in Markdown."""
    return markdown_table(COLUMNS, [[markdown_escaped(cell) for cell in line] for line in rows(results)])


def table(results: Mapping[str, Any]) -> Table:
    """The table for the console."""
    made = Table(
        title="Rosenbrock: f at the best setting of each optimizer, mean over seeds ± 95% interval",
        title_justify="left",
    )
    for name in COLUMNS:
        made.add_column(name, overflow="fold", justify="left" if name in ("function", "optimizer") else "right")
    kind = FUNCTIONS[0]
    for line in rows(results):
        if line[0] != kind:
            made.add_section()
            kind = line[0]
        made.add_row(*line)
    return made


def figure(selected: Sequence[Run]) -> Figure:
    """Plots the noiseless function by iteration: mean over seeds with its 95% confidence interval."""
    drawn = Figure(figsize=(7.2, 8.0), layout="constrained", dpi=150)
    names = list(dict.fromkeys(run.optimizer for run in selected))
    for axes, kind in zip(drawn.subplots(2, 1, sharex=True), FUNCTIONS, strict=True):
        lowest = math.inf
        for index, name in enumerate(names):
            runs = [run for run in selected if (run.function, run.optimizer) == (kind, name) and not run.diverged]
            mean, half_width = band(np.stack([run.values for run in runs]))
            iterations = np.arange(len(mean))
            color = style.PALETTE[index % len(style.PALETTE)]
            dashes = style.DASHES[index % len(style.DASHES)]
            lowest = min(lowest, float(mean.min()))
            label = f"{textwrap.shorten(name, 28, placeholder='...')}, {_setting(runs[0])}"
            low, high, line = (np.maximum(edge, _FLOOR) for edge in (mean - half_width, mean + half_width, mean))
            axes.fill_between(iterations, low, high, color=color, alpha=0.2, lw=0)
            axes.plot(iterations, line, color=color, lw=1.3, ls=dashes, label=label)
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(lowest / 3, _FLOOR))  # An interval that reaches 0 would extend this axis without end.
        axes.set_ylabel(f"f(x, y), {kind}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#E4E4E4", lw=0.8)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False, borderaxespad=0.2)
    axes.set_xlabel("iteration")
    axes.set_xlim(left=0, right=len(mean) - 1)
    return drawn


def band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes `mean_interval` of all columns at once, because thousands of calls would be slow.

    Args:
      values: Array of shape `[seeds, iterations]`.

    Returns:
      Mean and half-width, each of shape `[iterations]`; for a single seed the half-width is 0.
    """
    if len(values) < 2:
        return values[0], np.zeros_like(values[0])
    return values.mean(axis=0), scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)


def _setting(run: Run) -> str:
    epsilon = "" if run.epsilon is None else f", epsilon {number(run.epsilon)}"
    return f"learning rate {number(run.learning_rate)}{epsilon}"


def _text(value: Interval) -> str:
    return f"{value.mean:.2e}" + ("" if value.half_width is None else f" ± {value.half_width:.1e}")
