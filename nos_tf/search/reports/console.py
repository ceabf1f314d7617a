"""The end of a run on the console: leaderboard, test table, verdict and snippet."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from nos_tf.search.reports import page, tables
from nos_tf.search.reports.run_data import RunData


def show(run: RunData, console: Console) -> None:
    """Prints what a run found."""
    board = _table(
        f"Leaderboard ({run.data_label})", "#", "rule", "found by", "reward", "val. accuracy", "learning rate"
    )
    for entry in tables.leaderboard(run):
        rate = entry.status if entry.learning_rate is None else f"{entry.learning_rate:g}"
        board.add_row(
            str(entry.rank), entry.rule, entry.source, f"{entry.reward:.4f}", page.percent(entry.accuracy), rate
        )
    console.print(board)
    tested = _table(
        f"Fresh trainings on test data that the search never read ({run.data_label})",
        "rule", "found by", "learning rate", "test accuracy, 95%", "trainings",
    )  # fmt: skip
    for test in tables.tests(run):
        failed = f" ({test.failed} failed)" if test.failed else ""
        tested.add_row(
            test.rule, test.source, f"{test.learning_rate:g}", page.interval(test.accuracy), f"{test.trainings}{failed}"
        )
    console.print(tested)
    for sentence in tables.verdict(run):
        console.print(sentence, highlight=False)
    snippet = tables.snippet(run)
    if snippet is not None:
        console.print("\nUse the winner:\n")
        # Printed as it is, so that it can be copied: no wrapping, no markup.
        console.print(snippet, markup=False, highlight=False, soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", min_width=60)
    for name in columns:
        # Rules are long; the figures must stay readable in a narrow terminal.
        table.add_column(name, overflow="fold", no_wrap=name != "rule", justify="left" if name == "rule" else "right")
    return table
