"""A study as a table and as learning curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nos_tf.statistics import mean_interval
from nos_tf.style import DASHES, PALETTE
from nos_tf.text import markdown_escaped, markdown_table
from nos_tf.training.files import Row
from nos_tf.training.study import Study


def header(columns: Sequence[str]) -> list[str]:
    """Names of the columns of `rows`.

    Args:
      columns: Metrics of the trainings, such as "final_val_accuracy".
    """
    return ["optimizer", "learning rate", "trainings", *(column.replace("_", " ") for column in columns)]


def rows(study: Study, columns: Sequence[str]) -> list[list[str]]:
    """For each optimizer its learning rate, how many trainings it had, and mean and 95% interval of each metric."""
    selected = study.selected()
    found = []
    for optimizer in study.plan.optimizers:
        trainings = study.chosen_trainings(optimizer)
        planned = len(study.plan.seeds)
        if not trainings:
            found.append([optimizer, "none: every rate diverged", f"0 of {planned}", *("-" for _ in columns)])
            continue
        cells = []
        for column in columns:
            mean, half_width = mean_interval([training.metrics[column] for training in trainings])
            cells.append(f"{mean:.4f}" + ("" if half_width is None else f" ± {half_width:.4f}"))
        found.append([optimizer, f"{selected[optimizer]:g}", f"{len(trainings)} of {planned}", *cells])
    return found


def to_markdown(study: Study, columns: Sequence[str]) -> str:
    """The table, under the name of the data."""
    table = markdown_table(header(columns), [[markdown_escaped(cell) for cell in row] for row in rows(study, columns)])
    return f"Data: {study.experiment.dataset}. Mean and 95% Student's t interval over seeds.\n\n{table}"


def curves(study: Study, columns: Sequence[str]) -> Figure:
    """Learning curves of the chosen rates: mean over seeds and its 95% interval, a panel a column.

    Args:
      study: At least one training of it has ended well.
      columns: Names in the rows of a training, such as "val_accuracy".
    """
    figure = Figure(figsize=(4.6 * len(columns) + 2.4, 4.0), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    opacity = min(0.15, 1 / len(study.plan.optimizers))  # Many bands on top of each other hide the lines.
    for number, optimizer in enumerate(study.plan.optimizers):
        histories = study.histories(optimizer)
        if not histories:
            continue
        style = {"color": PALETTE[number % len(PALETTE)], "ls": DASHES[number // len(PALETTE) % len(DASHES)]}
        name = optimizer if len(optimizer) <= 40 else f"{optimizer[:37]}..."
        for axes, column in zip(panels, columns, strict=True):
            epochs, mean, half = _band(histories, column)
            axes.plot(epochs, mean, lw=1.8, label=f"{name} (lr {study.selected()[optimizer]:g})", **style)
            axes.fill_between(epochs, mean - half, mean + half, color=style["color"], alpha=opacity, lw=0)
    for axes, column in zip(panels, columns, strict=True):
        axes.set_xlabel("epoch")
        if "loss" in column or "perplexity" in column:
            axes.set_yscale("log")
        axes.set_ylabel(column.replace("_", " "))
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    figure.suptitle(study.experiment.dataset, fontsize=9)
    return figure


def _band(histories: Iterable[Sequence[Row]], column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    by_epoch = list(zip(*histories, strict=True))
    intervals = [mean_interval([row[column] for row in epoch]) for epoch in by_epoch]
    epochs = np.array([epoch[0]["epoch"] for epoch in by_epoch])
    return epochs, np.array([one.mean for one in intervals]), np.array([one.half_width or 0.0 for one in intervals])
