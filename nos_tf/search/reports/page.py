"""A self-contained HTML page about one run, or several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from nos_tf.common import run_folder, text
from nos_tf.common.statistics import Interval
from nos_tf.search import race
from nos_tf.search.reports import drawing, figures, tables, words
from nos_tf.search.reports.leaderboard import leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.verdicts import Comparison


def write(runs: Sequence[RunData], path: Path) -> None:
    """Writes the page.

    Args:
      runs: One or more runs.
      path: File of the page; overwritten if it exists.

    Raises:
      RunError: The file cannot be written.
    """
    run_folder.write_text(path, render(runs))


def render(runs: Sequence[RunData]) -> str:
    """Renders the page as HTML text without external resources."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nos_tf.search.reports", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(percent=percent, interval=interval, number=number, difference=difference, rate=rate)
    compared = figures.comparison(runs) if len(runs) > 1 else None
    return environment.get_template("report.html.j2").render(
        title="Neural Optimizer Search: " + ", ".join(run.name for run in runs),
        labels=list(dict.fromkeys(run.data_label for run in runs)),
        runs=[_view(run) for run in runs],
        comparison=drawing.data_uri(compared) if compared else None,
        figures=[(title, caption, [_image(draw(run)) for run in runs]) for title, caption, draw in figures.FIGURES],
    )


def rate(value: float) -> str:
    """A learning rate as text."""
    return text.number(value, digits=3)


def percent(value: float | None) -> str:
    """A fraction as a percentage."""
    return "-" if value is None else f"{100 * value:.2f} %"


def interval(value: Interval) -> str:
    """A mean fraction and its confidence interval as percentages."""
    if value.half_width is None:
        return percent(value.mean)
    return f"{100 * value.mean:.2f} ± {100 * value.half_width:.2f} %"


def number(value: Interval) -> str:
    """A mean and its confidence interval as text."""
    return f"{value.mean:.4f}" if value.half_width is None else f"{value.mean:.4f} ± {value.half_width:.4f}"


def difference(pair: Comparison) -> str:
    """A paired difference, its confidence interval and its p-value as text."""
    margin = "" if pair.half_width is None else f" ± {pair.half_width:.4f}"
    return f"{pair.difference:+.4f}{margin}, {text.p_value(pair.p)}"


def _view(run: RunData) -> dict[str, Any]:
    configuration = [(f"--{name}", value) for name, value in run.flags.items() if value is not None]
    return {
        "name": run.name,
        "sentences": words.sentences(run),
        "boards": [leaderboard(run), leaderboard(run, race.LONG_TEST)],
        "labels": {program: run.label(program) for program in [*run.finalists, *(b.program for b in run.baselines)]},
        "reward_name": run.reward_name,
        "rewards": tables.rewards(run),
        "snippet": tables.snippet(run),
        "heading": tables.heading(run),
        "configuration": [*configuration, *run.versions.items()],
    }


def _image(figure: Any) -> str | None:
    return None if figure is None else drawing.data_uri(figure)
