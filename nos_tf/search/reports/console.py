"""Prints the results of a run: leaderboard, summary and code snippet."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from nos_tf.search import race
from nos_tf.search.reports import page, tables, words
from nos_tf.search.reports.leaderboard import BASELINE, Leaderboard, leaderboard
from nos_tf.search.reports.run_data import RunData


def show(run: RunData, console: Console) -> None:
    """Prints the results of a run."""
    for stage, title in ((race.TEST, "Leaderboard, test data"), (race.LONG_TEST, "Long trainings, test data")):
        board = leaderboard(run, stage)
        if board is not None:
            console.print(_table(run, board, f"{title} ({run.data_label})"))
    for sentence in words.sentences(run):
        console.print(sentence, highlight=False)
    snippet = tables.snippet(run)
    if snippet is not None:
        console.print(f"\n{tables.heading(run)}:\n")
        # Printed verbatim so that it can be copied.
        console.print(snippet, markup=False, highlight=False, soft_wrap=True)


def _table(run: RunData, board: Leaderboard, title: str) -> Table:
    table = Table(title=title, title_justify="left", min_width=60)
    names = ("rule", "found by", "rate", run.reward_name, "accuracy", "vs. best baseline", "verdict")
    for name in names:
        # Rules are long; numbers must stay readable in a narrow terminal.
        table.add_column(name, overflow="fold", no_wrap=name != "rule", justify="left" if name == "rule" else "right")
    for one in board.standings:
        table.add_row(
            run.label(one.program),
            one.found_by,
            page.rate(one.learning_rate),
            page.number(one.reward),
            page.percent(one.accuracy.mean),
            "-" if one.difference is None else page.difference(one.difference),
            "" if one.found_by == BASELINE else one.verdict,
        )
    return table
