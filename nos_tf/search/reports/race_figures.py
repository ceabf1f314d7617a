"""Figures of the race: finalists and baselines on test data, and their learning-rate sweeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nos_tf.common import statistics, style
from nos_tf.common.statistics import Interval
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.evaluation.result import TRAINED, SweepPoint
from nos_tf.search import race
from nos_tf.search.reports.drawing import figure_of, finish, short
from nos_tf.search.reports.leaderboard import BASELINE, Standing, leaderboard
from nos_tf.search.reports.run_data import RunData

_CURVES = 5  # Baselines with curves; together with the finalists, more would be hard to tell apart.


def test_data(run: RunData) -> Figure | None:
    """Reward and accuracy of finalists and baselines on test data, sorted by reward."""
    board = leaderboard(run)
    if board is None:
        return None
    figure = figure_of(1.1 + 0.3 * len(board.standings))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("reward", "accuracy"), strict=True):
        factor = 100 if name == "accuracy" else 1
        for place, one in enumerate(board.standings):
            _dot(axes, place, getattr(one, name), one.found_by == BASELINE, factor)
        finish(axes, "test accuracy (%)" if factor > 1 else f"test {run.reward_name}", "", legend=False)
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    panels[0].set_yticks(range(len(board.standings)), [_label(one, 34) for one in board.standings])
    panels[0].set_ylim(len(board.standings) - 0.5, -0.5)
    return figure


def differences(run: RunData) -> Figure | None:
    """Paired differences between each finalist and every baseline, at both training lengths."""
    boards = [board for stage in (race.TEST, race.LONG_TEST) if (board := leaderboard(run, stage)) is not None]
    if not boards or not boards[0].finalists:
        return None
    finalists = boards[0].finalists
    names = [one.name for one in boards[0].standings if one.name in finalists[0].against]
    figure = figure_of(0.9 + len(finalists) * (0.5 + 0.24 * len(names)))
    panels = figure.subplots(len(finalists), 1, sharex=True, squeeze=False)[:, 0]
    looks = ((style.BLUE, "o", "the task's length"), (style.ORANGE, "D", "long trainings"))
    for axes, finalist in zip(panels, finalists, strict=True):
        axes.axvline(0.0, color=style.GRAY, lw=1.2)
        for number, (board, (color, marker, label)) in enumerate(zip(boards, looks, strict=False)):
            tested = next(one for one in board.finalists if one.program == finalist.program)
            pairs = [tested.against[str(name)] for name in names]
            axes.errorbar(
                [pair.difference for pair in pairs],
                np.arange(len(names)) + 0.3 * number - 0.15 * (len(boards) - 1),
                xerr=[pair.half_width or 0.0 for pair in pairs],
                fmt=marker,
                color=color,
                ms=4.5,
                capsize=2.5,
                lw=1.5,
                label=label,
            )
        axes.set_yticks(range(len(names)), [str(name) for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_title(short(simplest_text(finalist.program), 70), loc="left", fontsize=9, fontweight="bold")
        finish(axes, f"rule minus baseline (test {run.reward_name})" if axes is panels[-1] else "", "", legend=False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", fontsize=8, frameon=False, ncols=2)
    return figure


def learning_rates(run: RunData) -> Figure | None:
    """Reward by learning rate in the search's sweeps, for the winner or best finalist and each baseline."""
    board = leaderboard(run)
    if board is None:
        return None
    sweeps = {one.program: one.evaluation.sweep for one in run.baselines}
    sweeps |= {trial.program: trial.evaluation.sweep for trial in run.evaluated if trial.evaluation}
    first = board.winner or next(iter(board.finalists), None)
    baselines = [one for one in board.standings if one.name is not None]
    rows = math.ceil(len(baselines) / 3)
    figure = figure_of(0.9 + 1.75 * rows)
    panels = figure.subplots(rows, 3, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, one in zip(panels, baselines, strict=False):
        if first is not None:
            _sweep(
                axes,
                sweeps[first.program],
                first.learning_rate,
                style.BLUE,
                short(simplest_text(first.program), 60),
                "-",
            )
        _sweep(axes, sweeps[one.program], one.learning_rate, style.VERMILION, "baseline named above the panel", "--")
        axes.set_title(one.name, loc="left", fontsize=9)
        axes.set_xscale("log")
        finish(axes, "", "", legend=False)
    for axes in panels[len(baselines) :]:
        axes.set_visible(False)
    figure.supxlabel("learning rate", fontsize=10)
    figure.supylabel("reward of the sweep", fontsize=10)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", fontsize=8, frameon=False, ncols=2)
    return figure


def learning_curves(run: RunData) -> Figure | None:
    """Likelihood and accuracy on test data by epoch in long trainings, for finalists and the best baselines."""
    board = leaderboard(run, race.LONG_TEST)
    if board is None:
        return None
    baselines = [one for one in board.standings if one.name is not None][:_CURVES]
    chosen = [one for one in board.standings if one.name is None or one in baselines]
    figure = figure_of(3.4 + 0.16 * len(chosen))
    panels = figure.subplots(1, 2)
    finalist_colors = iter((style.BLUE, style.GREEN, style.PURPLE))
    baseline_colors = iter((style.VERMILION, style.ORANGE, style.GRAY, style.SKY, style.YELLOW, "#000000"))
    for one in chosen:
        histories = [
            training.evaluation.history
            for training in run.trainings
            if (training.stage, training.program) == (race.LONG_TEST, one.program)
            and training.evaluation.status == TRAINED
        ]
        line, color = ("--", next(baseline_colors)) if one.name else ("-", next(finalist_colors))
        epochs = list(zip(*histories, strict=True))
        for axes, values in (
            (panels[0], [[math.exp(result.log_likelihood) for result in epoch] for epoch in epochs]),
            (panels[1], [[100 * result.accuracy for result in epoch] for epoch in epochs]),
        ):
            _curve(axes, [statistics.mean_interval(epoch) for epoch in values], line, color, _label(one, 60))
    for axes, name in zip(panels, ("likelihood of the correct label", "accuracy (%)"), strict=True):
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        finish(axes, "epoch", f"test {name}", legend=False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", fontsize=8, frameon=False)
    return figure


# Title, caption and drawing function, in the order of the page.
FIGURES: tuple[tuple[str, str, Callable[[RunData], Figure | None]], ...] = (
    (
        "Test data",
        "Finalists (circles) and baselines (squares) on data not used for selection: means over fresh seeds with 95% "
        "confidence intervals.",
        test_data,
    ),
    (
        "Paired differences",
        "Each finalist minus each baseline, trained with the same seeds: means with 95% confidence intervals. The "
        "intervals are not corrected for the number of comparisons; the verdicts are.",
        differences,
    ),
    (
        "Reward against learning rate",
        "All rates tried by the search's sweep, on validation data with one seed. The vertical line marks the rate "
        "that the race tuned with several seeds at the task's length.",
        learning_rates,
    ),
    (
        "Learning curves",
        "Finalists (solid) and the best baselines (dashed) on test data during long trainings: means over seeds with "
        "95% confidence bands.",
        learning_curves,
    ),
)


def _dot(axes: Axes, place: float, interval: Interval, is_known: bool, factor: float) -> None:
    axes.errorbar(
        factor * interval.mean,
        place,
        xerr=factor * (interval.half_width or 0.0),
        fmt="s" if is_known else "o",
        color=style.GRAY if is_known else style.BLUE,
        ms=5,
        capsize=3,
        lw=1.8,
    )


def _sweep(axes: Axes, points: Sequence[SweepPoint], rate: float, color: str, label: str, line: str) -> None:
    ordered = sorted((point.learning_rate, point.score) for point in points)
    axes.plot(*zip(*ordered, strict=True), marker=".", ms=4, lw=1.4, ls=line, color=color, label=label)
    axes.axvline(rate, color=color, lw=1.0, ls=line, alpha=0.5)


def _curve(axes: Axes, intervals: Sequence[Interval], line: str, color: str, label: str) -> None:
    epochs = np.arange(1, len(intervals) + 1)
    mean = np.array([interval.mean for interval in intervals])
    half_width = np.array([interval.half_width or 0.0 for interval in intervals])
    axes.fill_between(epochs, mean - half_width, mean + half_width, color=color, alpha=0.1, lw=0)
    axes.plot(epochs, mean, ls=line, lw=1.6, color=color, label=label)


def _label(one: Standing, width: int) -> str:
    return one.name or short(simplest_text(one.program), width)
