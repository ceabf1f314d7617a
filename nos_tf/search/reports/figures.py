"""Figures of a report."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure

from nos_tf.common import statistics, style
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY
from nos_tf.search.reports import race_figures
from nos_tf.search.reports.drawing import figure_of, finish, short, source_color
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import RANDOM, Trial

_MANY = 2_000  # Number of points above which a scatter plot is rasterized.
_WINDOW = 25


def reward_over_trials(run: RunData) -> Figure | None:
    """Rewards and best so far, compared with random search of equal length; below, a running mean of the rewards."""
    if not run.evaluated:
        return None
    figure = figure_of(5.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    random = run.rewards(RANDOM)
    if random:
        reference = statistics.best_of(random)
        counts, expected, low, high = reference
        top.fill_between(counts, low, high, color=style.GRAY, alpha=0.25, lw=0, label="random search: 5% to 95%")
        top.plot(counts, expected, color=style.GRAY, lw=2, ls="--", label="random search: expected best")
        bottom.axhline(float(np.mean(random)), color=style.GRAY, lw=2, ls="--", label="random search: mean of all")
    for source in run.sources:
        rewards = run.rewards(source)
        count = np.arange(1, len(rewards) + 1)
        color = source_color(source)
        top.scatter(count, rewards, s=7, color=color, alpha=0.55, lw=0, rasterized=len(rewards) > _MANY)
        if source != RANDOM:
            best = np.maximum.accumulate(rewards)
            top.step(count, best, where="post", color=color, lw=2, label=f"{source}: best so far")
            start = min(_WINDOW, len(rewards)) - 1  # A mean of fewer would be noisy.
            mean = statistics.running_mean(rewards, _WINDOW)
            bottom.plot(count[start:], mean[start:], color=color, lw=2, label=f"{source}: mean of the last {_WINDOW}")
    finish(top, "", "reward")
    finish(bottom, "distinct rules evaluated by each searcher", "mean reward")
    bottom.set_xlim(left=0)
    return figure


def reward_distribution(run: RunData) -> Figure | None:
    """Histogram of the rewards."""
    if not run.evaluated:
        return None
    figure = figure_of(3.0)
    axes = figure.subplots()
    edges = np.linspace(0.0, 1.0, 41)
    for source in run.sources:
        rewards = run.rewards(source)
        axes.hist(
            rewards,
            edges.tolist(),
            weights=np.full(len(rewards), 100.0 / len(rewards)),
            histtype="stepfilled",
            facecolor=(source_color(source), 0.25),
            edgecolor=source_color(source),
            lw=1.8,
            ls="--" if source == RANDOM else "-",
            label=f"{source} ({len(rewards)} rules)",
        )
    finish(axes, "reward", "share of the rules (%)")
    return figure


def learning(run: RunData) -> Figure | None:
    """Entropy of the controller, and share of its proposals that were duplicates."""
    source = next((source for source in run.sources if source != RANDOM), RANDOM)
    batches = [batch for batch in run.batches if batch.source == source]
    if not batches:
        return None
    figure = figure_of(4.2)
    top, bottom = figure.subplots(2, 1, sharex=True)
    entropies = [batch.metrics.get("entropy", np.nan) for batch in batches]
    number = np.arange(1, len(batches) + 1)
    if np.isfinite(entropies).any():
        top.plot(number, entropies, color=style.BLUE, lw=2)
        top.set_ylim(bottom=0)
    else:
        top.text(0.5, 0.5, f"{source} has no entropy", transform=top.transAxes, ha="center", color=style.GRAY)
    proposals = collections.Counter(trial.batch for trial in run.trials)
    repeated = collections.Counter(trial.batch for trial in run.trials if trial.duplicate_of is not None)
    shares = [100.0 * repeated[batch.number] / proposals[batch.number] for batch in batches]
    bottom.plot(number, shares, ".", color=style.VERMILION, ms=4, alpha=0.5, label="one batch")
    bottom.plot(number, statistics.running_mean(shares, 10), color=style.VERMILION, lw=2, label="mean of the last 10")
    bottom.set_ylim(-3, 103)
    finish(top, "", "entropy (nats per token)")
    finish(bottom, f"updates of {source}", "duplicates (%)")
    return figure


def primitives(run: RunData) -> Figure | None:
    """How often the best rules use each primitive, compared with random rules."""
    best = run.ranking[: max(10, len(run.ranking) // 10)]
    random = [trial for trial in run.evaluated if trial.source == RANDOM]
    if not best:
        return None
    counted = [_usage(trials) for trials in (best, random)]
    kinds = [
        (title, [name for name in names if any(usage[name] for usage in counted)])
        for title, names in (("operands", [*OPERANDS, *GROUP_NAMES]), ("unary", list(UNARY)), ("binary", list(BINARY)))
    ]
    kinds = [(title, names) for title, names in kinds if names]
    figure = figure_of(0.6 + 0.2 * sum(len(names) + 2 for _, names in kinds))
    heights = [len(names) + 1 for _, names in kinds]
    panels = figure.subplots(len(kinds), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (title, names) in zip(panels, kinds, strict=True):
        place = np.arange(len(names))
        shares = [[100.0 * usage[name] for name in names] for usage in counted]
        axes.hlines(place, shares[1], shares[0], color=style.LIGHT_GRAY, lw=2, zorder=1)
        if random:
            axes.scatter(shares[1], place, s=34, marker="D", color=style.GRAY, label=f"random rules ({len(random)})")
        axes.scatter(shares[0], place, s=44, color=style.BLUE, label=f"best rules ({len(best)})")
        axes.set_yticks(place, names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        finish(axes, "rules that use it (%)" if axes is panels[-1] else "", title, legend=axes is panels[0])
    return figure


def comparison(runs: Sequence[RunData]) -> Figure | None:
    """Best reward so far of each searcher in each run, by number of evaluated rules."""
    figure = figure_of(4.2)
    axes = figure.subplots()
    for number, run in enumerate(runs):
        for source in run.sources:
            rewards = run.rewards(source)
            axes.step(
                np.arange(1, len(rewards) + 1),
                np.maximum.accumulate(rewards),
                where="post",
                color=style.PALETTE[number % len(style.PALETTE)],
                ls=":" if source == RANDOM and len(run.sources) > 1 else style.DASHES[number // len(style.PALETTE) % 2],
                lw=2,
                label=f"{short(run.name, 40)}: {source}",
            )
    if not axes.lines:
        return None
    finish(axes, "distinct rules evaluated", "best reward so far", legend=False)
    figure.legend(loc="outside lower left", fontsize=8, frameon=False)
    return figure


# Title, caption and drawing function, in the order of the page.
FIGURES: tuple[tuple[str, str, Callable[[RunData], Figure | None]], ...] = (
    *race_figures.FIGURES,
    (
        "Reward over trials",
        "Each dot is one rule. The dashed line is the expected best reward of the same number of random rules, exact "
        "for this run's random rules; the band extends from its 5% to its 95% quantile.",
        reward_over_trials,
    ),
    ("Distribution of rewards", "Rules that diverged or were screened out have reward 0.", reward_distribution),
    (
        "Entropy and duplicates",
        "A duplicate is equivalent to an earlier rule and is not trained again.",
        learning,
    ),
    (
        "Primitives of the best rules",
        "Share of rules that use a primitive, among the best tenth of all that trained (at least 10) and among random "
        "rules.",
        primitives,
    ),
)


def _usage(trials: Iterable[Trial]) -> collections.Counter[str]:
    """Share of rules whose update depends on each primitive."""
    usage: collections.Counter[str] = collections.Counter()
    trials = list(trials)
    for trial in trials:
        names: set[str] = set()
        for index in trial.program.live_groups:
            group = trial.program.groups[index]
            names.add(group.binary)
            for _, operand, unary in group.sides():
                names.update((operand, unary))
        usage.update(names)
    # One counter is enough because names of operands and functions do not overlap.
    return collections.Counter({name: count / len(trials) for name, count in usage.items()})
