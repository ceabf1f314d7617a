"""Reports the verdict as sentences, a table, JSON and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import nos_tf
from experiments.discover.frozen import Finalist
from experiments.discover.judging import Judged
from experiments.discover.verdict import Standing
from nos_tf.common import style
from nos_tf.common.leaderboard import BETTER, WORSE
from nos_tf.common.text import difference, markdown_escaped, markdown_table
from nos_tf.dsl import Program
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.search.trial import BASELINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = (style.ORANGE, style.GREEN, style.PURPLE, style.SKY, style.VERMILION)  # One per held-out task.
NAMES: dict[Program, str] = {nos_tf.parse(text): name for name, text in BASELINES.items()}


def label(program: Program) -> str:
    """Name of a baseline, or text of a finalist."""
    return NAMES.get(program) or simplest_text(program)


def sentences(standings: Sequence[Standing]) -> list[str]:
    """Summarizes the results in a few sentences."""
    rules = [one for one in standings if one.verdict is not None]
    best = next(one for one in standings if one.verdict is None)
    lines = [f"The best baseline on the held-out tasks is {label(best.program)}, with score {best.score.mean:.3f}."]
    if not rules:
        return [*lines, "There are no finalists: every rule in the race has the same rewards as a baseline."]
    winners = [one for one in rules if one.verdict == BETTER]
    vs_best = f"vs. {label(best.program)}, {len(best.seed_scores)} seeds"
    lines += [
        f"{label(one.program)} beats every tuned baseline: {_difference(one, best)} {vs_best}." for one in winners
    ]
    if not winners:
        closest = rules[0]
        lines.append(
            f"No finalist beats every tuned baseline. The closest one, {label(closest.program)}, is "
            f"{closest.verdict}: {_difference(closest, best)} {vs_best}{_shortcomings(closest)}."
        )
    return lines


def _difference(one: Standing, best: Standing) -> str:
    pair = one.against[best.program]
    return difference(pair.difference, pair.half_width, pair.p, decimals=3)


def _shortcomings(one: Standing) -> str:
    unbeaten = [label(other) for other, pair in one.against.items() if pair.verdict != BETTER]
    worse = [task for task, pair in one.on_tasks.items() if pair.verdict == WORSE]
    parts = [("not better than", unbeaten), ("clearly worse on", worse)]
    return "".join(f"; {phrase} {', '.join(names)}" for phrase, names in parts if names)


def table(standings: Sequence[Standing], finalists: Sequence[Finalist]) -> str:
    """Table of finalists and baselines, best first, as Markdown."""
    found_by = {one.program: one.found_by for one in finalists}
    tasks = list(standings[0].scores)
    best = next(one for one in standings if one.verdict is None)
    rows = []
    for one in standings:
        margin = "" if one.score.half_width is None else f" ± {one.score.half_width:.3f}"
        rows.append(
            [
                markdown_escaped(label(one.program)),
                found_by.get(one.program, "baseline"),
                f"{one.score.mean:.3f}{margin}",
                *(f"{one.scores[task]:.3f}{_mark(one, task)}" for task in tasks),
                "" if one.verdict is None else _difference(one, best),
                one.verdict or "",
            ]
        )
    return markdown_table(
        ["rule", "found by", "score", *tasks, f"difference from {label(best.program)}", "verdict"], rows
    )


def _mark(one: Standing, task: str) -> str:
    """Marks a rule that is better or worse than the best baseline on a task."""
    marks = {BETTER: " (+)", WORSE: " (-)"}
    return marks.get(one.on_tasks[task].verdict, "") if task in one.on_tasks else ""


def as_json(standings: Sequence[Standing], judged: Judged) -> list[dict[str, Any]]:
    """Results of finalists and baselines, JSON-serializable."""
    return [
        {
            "rule": simplest_text(one.program),
            "name": NAMES.get(one.program),
            "score": one.score.mean,
            "score_half_width": one.score.half_width,
            "seed_scores": {str(seed): score for seed, score in one.seed_scores.items()},
            "scores": one.scores,
            "against": {label(other): pair._asdict() for other, pair in one.against.items()},
            "on_tasks": {task: pair._asdict() for task, pair in one.on_tasks.items()},
            "verdict": one.verdict,
            "learning_rates": {task: _rate(results[one.program]) for task, results in judged.items()},
            "test_rewards": {
                task: {str(seed): evaluation.reward for seed, evaluation in results[one.program].items()}
                for task, results in judged.items()
            },
        }
        for one in standings
    ]


def _rate(results: Mapping[int, Any]) -> float | None:
    return next(iter(results.values())).learning_rate


def draw(standings: Sequence[Standing]) -> Figure:
    """Plots the scores of finalists and baselines, over all tasks with intervals and on each task."""
    from matplotlib.figure import Figure

    count = len(standings)
    figure = Figure(figsize=(8.0, 1.4 + 0.3 * count), layout="constrained", dpi=150)
    axes = figure.subplots()
    for place, one in enumerate(standings):
        is_rule = one.verdict is not None
        axes.errorbar(
            one.score.mean,
            count - place,
            xerr=one.score.half_width,
            fmt="o" if is_rule else "s",
            color=style.BLUE if is_rule else style.GRAY,
            capsize=2,
            zorder=3,
        )
    for color, task in zip(_COLORS, standings[0].scores, strict=False):
        scores = [one.scores[task] for one in standings]
        axes.plot(scores, range(count, 0, -1), "|", color=color, ms=9, mew=2, label=task)
    axes.axvline(1.0, color=style.LIGHT_GRAY, zorder=0)
    axes.set_yticks(range(count, 0, -1), [_short(label(one.program)) for one in standings], fontsize=8)
    axes.set_xlabel("score (0: only class frequencies known, 1: best tuned baseline of each task)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(_COLORS), fontsize=8, frameon=False)
    return figure


def _short(text: str, width: int = 48) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
