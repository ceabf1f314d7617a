"""Figure of a study: learning curves for a few optimizers, dots with intervals for many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from nos_tf.common.statistics import Interval, mean_interval
from nos_tf.common.style import BLUE, GRAY, curve
from nos_tf.common.text import number
from nos_tf.training.files import Row
from nos_tf.training.study import Study

MAX_CURVES = 8  # More are hard to tell apart.
_CHOSEN = 6  # Curves shown below the dots.


def figure(study: Study, columns: Sequence[str]) -> Figure:
    """Plots means over seeds with 95% intervals at the selected learning rates, one panel per column.

    With up to `MAX_CURVES` optimizers, all learning curves are shown. With more, dots show the last epoch, sorted by
    the last column, and the curves of the best few appear below.

    Args:
      study: Study with at least one training that did not diverge.
      columns: Measurements in the history of a training, such as "val_accuracy".
    """
    histories = {name: study.histories(name) for name in study.plan.optimizers}
    histories = {name: found for name, found in histories.items() if found}
    rates = study.selected()
    labels = {name: f"{_short(name)} (lr {number(rates[name])})" for name in histories}
    if len(histories) <= MAX_CURVES:
        drawn = _new(4.6 * len(columns) + 2.4, 4.0, study.experiment.dataset)
        _curves(drawn, drawn.subplots(1, len(columns), squeeze=False)[0], histories, labels, columns)
        return drawn
    last = {
        name: {column: mean_interval([rows[-1][column] for rows in found]) for column in columns}
        for name, found in histories.items()
    }
    names = _ordered(last, columns[-1])
    height = 0.8 + 0.2 * len(names)
    drawn = _new(4.0 * len(columns) + 2.4, height + 3.6, study.experiment.dataset)
    panels = drawn.subplots(2, len(columns), squeeze=False, height_ratios=(height, 3.2))
    chosen = names[:_CHOSEN]
    dots(panels[0], {labels[name]: last[name] for name in names}, columns, [labels[name] for name in chosen])
    _curves(drawn, panels[1], {name: histories[name] for name in chosen}, labels, columns)
    return drawn


def dots(
    panels: Sequence[Axes],
    intervals: Mapping[str, Mapping[str, Interval]],
    columns: Sequence[str],
    chosen: Sequence[str] = (),
) -> None:
    """Draws one row per name and one panel per column.

    Args:
      panels: Axes, one for each column.
      intervals: Mean and interval of each column, by name, in the order of the rows.
      columns: Measurements to show.
      chosen: Names to draw in color.
    """
    for axes, column in zip(panels, columns, strict=True):
        for place, (name, found) in enumerate(intervals.items()):
            color = BLUE if name in chosen else GRAY
            half_width = found[column].half_width or 0.0
            axes.errorbar(found[column].mean, place, xerr=half_width, fmt="o", ms=4, color=color, capsize=2, lw=1.4)
        axes.set_yticks(
            range(len(intervals)), list(intervals) if axes is panels[0] else [""] * len(intervals), fontsize=8
        )
        axes.set_ylim(len(intervals) - 0.4, -0.6)
        axes.set_xlabel(column.replace("_", " "))
        axes.grid(alpha=0.3)


def _ordered(last: Mapping[str, Mapping[str, Interval]], column: str) -> list[str]:
    """Names sorted by mean, best first; those that are not finite come last."""
    sign = 1.0 if _is_loss(column) else -1.0

    def key(name: str) -> float:
        mean = last[name][column].mean
        return sign * mean if math.isfinite(mean) else math.inf

    return sorted(last, key=key)


def _curves(
    drawn: Figure,
    panels: Sequence[Axes],
    histories: Mapping[str, Sequence[Sequence[Row]]],
    labels: Mapping[str, str],
    columns: Sequence[str],
) -> None:
    opacity = min(0.15, 1 / len(histories))  # Many overlapping bands would hide the lines.
    for position, (name, found) in enumerate(histories.items()):
        color, dash = curve(position)
        for axes, column in zip(panels, columns, strict=True):
            epochs, mean, half = _band(found, column)
            axes.plot(epochs, mean, lw=1.8, label=labels[name], color=color, ls=dash)
            axes.fill_between(epochs, mean - half, mean + half, color=color, alpha=opacity, lw=0)
    for axes, column in zip(panels, columns, strict=True):
        axes.set_xlabel("epoch")
        if _is_loss(column):
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            if high < 20 * low:  # Within a decade or so, powers of ten are hard to read.
                axes.yaxis.set_major_formatter(ScalarFormatter())
                axes.yaxis.set_minor_formatter(ScalarFormatter())
        axes.set_ylabel(column.replace("_", " "))
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    drawn.legend(*panels[-1].get_legend_handles_labels(), loc="outside right lower", fontsize=8)


def _new(width: float, height: float, title: str) -> Figure:
    drawn = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(drawn)
    drawn.suptitle(title, fontsize=9)
    return drawn


def _is_loss(column: str) -> bool:
    return "loss" in column or "perplexity" in column


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:37]}..."


def _band(histories: Iterable[Sequence[Row]], column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    by_epoch = list(zip(*histories, strict=True))
    intervals = [mean_interval([row[column] for row in epoch]) for epoch in by_epoch]
    epochs = np.array([epoch[0]["epoch"] for epoch in by_epoch])
    return epochs, np.array([one.mean for one in intervals]), np.array([one.half_width or 0.0 for one in intervals])
