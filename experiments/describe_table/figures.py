"""Figures of the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from experiments.describe_table import findings
from nos_tf.common import style
from nos_tf.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST = 200  # Number of best rules whose operands and functions are counted.
_CURVES = 5


def file(name: str) -> str:
    """File name of a figure."""
    return f"table_{name}.png"


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def distribution(table: Table) -> Figure:
    """Histogram of the values, with those of the known optimizers."""
    figure = _figure(8.0, 3.8)
    axes = figure.subplots()
    values = table.values[findings.trained(table)]
    axes.hist(values, bins=120, color=style.SKY)
    axes.set(yscale="log", xlabel="value (validation likelihood)", ylabel="distinct rules that train")
    known = findings.named(table)
    for color, (name, value) in zip(style.PALETTE, known.items(), strict=False):
        axes.axvline(value, color=color, label=f"{name} {value:.3f}", linewidth=1.5)
    figure.legend(frameon=False, fontsize="small", loc="outside upper center", ncols=5)
    return figure


def words(table: Table) -> Figure:
    """How often operands and functions occur in the best rules and in all rules."""
    shares = findings.words(table, BEST)
    figure = _figure(7.0, 8.0)
    axes = figure.subplots()
    places = np.arange(len(shares))
    axes.hlines(places, [one.all for one in shares], [one.best for one in shares], color=style.LIGHT_GRAY)
    axes.plot([one.all for one in shares], places, "o", color=style.GRAY, markersize=4, label="all that train")
    axes.plot([one.best for one in shares], places, "o", color=style.BLUE, label=f"the best {BEST}")
    axes.set_yticks(places, [one.word for one in shares], fontsize="small")
    axes.invert_yaxis()
    axes.set(xlabel="share of rules that use it", xlim=(0.0, None))
    axes.legend(frameon=False, loc="lower right")
    return figure


def operands(table: Table) -> Figure:
    """Best value for every pair of operands."""
    best = findings.by_spelling(table).max(axis=(2, 3, 4))
    figure = _figure(7.6, 6.4)
    axes = figure.subplots()
    image = axes.imshow(best, cmap="viridis", vmin=float(np.quantile(best, 0.05)))
    names = findings.SPACE.operands
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize="small")
    axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.set(xlabel="second operand", ylabel="first operand")
    figure.colorbar(image, label="value of the best rule with this pair", shrink=0.85)
    return figure


def learning_rates(table: Table) -> Figure:
    """Reward of short trainings by learning rate, for the best rules, Adam and RMSProp."""
    figure = _figure(7.0, 4.2)
    axes = figure.subplots()
    shown = [(row.rule, table.number(row.rule), "-") for row in table.best(_CURVES)]
    shown += [(name, table.number(name), "--") for name in ("adam", "rmsprop")]
    for color, (name, number, line) in zip(style.PALETTE, shown, strict=True):
        rates, scores = findings.sweep(table, number)
        best = rates[np.argmax(scores)]
        axes.semilogx(rates / best, scores, line, color=color, marker=".", label=name)
    axes.set(xlabel="learning rate / best learning rate", ylabel="reward of a short training", xlim=(0.01, 100.0))
    axes.legend(frameon=False, fontsize="small")
    return figure


def seeds(table: Table) -> Figure:
    """How well the reward with one seed predicts the mean over others."""
    rewards = table.content.best_rewards
    figure = _figure(8.0, 3.8)
    left, right = figure.subplots(1, 2)
    left.hist(rewards.std(axis=1, ddof=1), bins=60, color=style.SKY)
    left.set(xlabel="standard deviation over seeds", ylabel="best rules")
    right.plot(rewards[:, 0], rewards[:, 1:].mean(axis=1), ".", color=style.BLUE, alpha=0.3, markersize=3)
    ends = [rewards[:, 0].min(), rewards.max()]
    right.plot(ends, ends, color=style.GRAY, linewidth=1)
    right.set(xlabel="reward with the seed used for selection", ylabel="mean reward with the other seeds")
    return figure


def tasks(table: Table) -> Figure:
    """Rewards on the second task."""
    numbers, rewards = table.content.second, table.content.second_reward
    chosen = np.isin(numbers, table.content.best)
    figure = _figure(5.6, 4.6)
    axes = figure.subplots()
    for mask, color, label in ((~chosen, style.GRAY, "random rules"), (chosen, style.BLUE, "the best rules")):
        axes.plot(table.values[numbers[mask]], rewards[mask], ".", color=color, alpha=0.4, markersize=3, label=label)
    axes.set(xlabel=f"value on {table.content.facts['task']}", ylabel=f"reward on {table.content.facts['second_task']}")
    axes.legend(frameon=False, markerscale=3)
    return figure


FIGURES: dict[str, Callable[[Table], Figure]] = {
    draw.__name__: draw for draw in (distribution, words, operands, learning_rates, seeds, tasks)
}
