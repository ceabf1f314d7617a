"""Table of a study."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf.common.statistics import mean_interval
from nos_tf.common.text import markdown_escaped, markdown_table, number
from nos_tf.training.study import Study


def header(columns: Sequence[str]) -> list[str]:
    """Column names of `rows`.

    Args:
      columns: Metrics to list, such as "final_val_accuracy".
    """
    return ["optimizer", "learning rate", "trainings", *(column.replace("_", " ") for column in columns)]


def rows(study: Study, columns: Sequence[str]) -> list[list[str]]:
    """One row per optimizer: selected learning rate, number of trainings, and mean and 95% interval of each metric."""
    selected = study.selected()
    table = []
    for optimizer in study.plan.optimizers:
        trainings = study.chosen_trainings(optimizer)
        planned = len(study.plan.seeds)
        if not trainings:
            table.append([optimizer, "none: every rate diverged", f"0 of {planned}", *("-" for _ in columns)])
            continue
        cells = []
        for column in columns:
            mean, half_width = mean_interval([training.metrics[column] for training in trainings])
            cells.append(f"{mean:.4f}" + ("" if half_width is None else f" ± {half_width:.4f}"))
        table.append([optimizer, number(selected[optimizer]), f"{len(trainings)} of {planned}", *cells])
    return table


def to_markdown(study: Study, columns: Sequence[str]) -> str:
    """The table in Markdown, below a line that describes the data."""
    table = markdown_table(header(columns), [[markdown_escaped(cell) for cell in row] for row in rows(study, columns)])
    return f"Data: {study.experiment.dataset}. Mean and 95% Student's t interval over seeds.\n\n{table}"
