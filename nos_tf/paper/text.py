"""The ledger as tables for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from nos_tf.paper import wording
from nos_tf.paper.claims import ClaimStatus
from nos_tf.paper.entry import Entry
from nos_tf.paper.ledger import Ledger, Line, Status, TableResult

_STYLES = {
    Status.REPRODUCED: "green",
    Status.WITHIN: "cyan",
    Status.NOT_REPRODUCED: "red",
    Status.NOT_COMPARABLE: "yellow",
    Status.NOT_RUN: "bright_black",
    ClaimStatus.HOLDS: "green",
    ClaimStatus.DOES_NOT_HOLD: "red",
    ClaimStatus.NOT_DECIDED: "cyan",
    ClaimStatus.OVERLAP: "cyan",
    ClaimStatus.NOT_COMPARABLE: "yellow",
    ClaimStatus.NOT_RUN: "bright_black",
}


def show(ledger: Ledger, console: Console) -> None:
    """Prints the ledger; the terminal should have at least 100 columns."""
    console.print(Text(wording.TITLE, style="bold"))
    console.print(Text(wording.summary(ledger)))
    for table in ledger.tables:
        console.print()
        _show(_table(table), bool(table.rows), table.left_out, "row", console)
    console.print()
    _show(_claims(ledger), bool(ledger.claims), ledger.claims_left_out, "claim", console)
    console.print()
    console.print(_runs(ledger))


def _show(table: Table, has_rows: bool, left_out: int, noun: str, console: Console) -> None:
    """Prints a table, or just its title if it has no rows, and the number of rows left out."""
    console.print(table if has_rows else Text(str(table.title), style="bold"))
    if left_out:
        console.print(Text(wording.left_out(left_out, noun), style="bright_black"))


def _grid(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_lines=False, expand=True
    )


def _table(result: TableResult) -> Table:
    table = _grid(result.table.title)
    table.add_column("optimizer", ratio=2, overflow="fold")
    for column in result.table.columns:
        table.add_column(wording.heading(column), min_width=14, ratio=1, justify="right")
    mark = wording.trust(result.table.trust)
    for row in result.rows:
        not_run = [Status.NOT_RUN for line in row.lines if line.entry is None]
        name = Text.assemble((row.row.printed, "bold"), (f"\n{mark}", "bright_black"), *map(_status, not_run))
        numbers = (wording.paper(cell.column, cell.value) for cell in row.lines[0].cells)
        table.add_row(name, *(Text(number, style="bold") for number in numbers))
        for line in row.lines:
            if line.entry is not None:
                table.add_row(*_measured(line, line.entry))
        table.add_section()
    return table


def _measured(line: Line, entry: Entry) -> list[Text]:
    """Cells of a run; a status shared by all cells appears once, below the run."""
    name, numbers = wording.entry(entry), [wording.cell(cell, entry) for cell in line.cells]
    if line.status is not None:
        return [Text.assemble(name, _status(line.status)), *map(Text, numbers)]
    cells = zip(line.cells, numbers, strict=True)
    return [Text(name), *(Text.assemble(number, _status(cell.status)) for cell, number in cells)]


def _status(status: Status) -> tuple[str, str]:
    return f"\n{status.value}", _STYLES[status]


def _claims(ledger: Ledger) -> Table:
    table = _grid("The paper's claims")
    table.add_column("claim", ratio=3, overflow="fold")
    table.add_column("what the runs say", ratio=3, overflow="fold")
    table.add_column("status", ratio=2)
    for result in ledger.claims:
        claim = Text.assemble(result.claim.text, (f"\n{wording.trust(result.claim.trust)}", "bright_black"))
        status = Text(wording.claim_status(result), style=_STYLES[result.status])
        table.add_row(claim, Text(wording.evidence(result)), status)
        table.add_section()
    return table


def _runs(ledger: Ledger) -> Group:
    tables = []
    for number in range(1, len(ledger.runs) + 1):
        table = _grid(f"R{number}")
        table.show_header = False
        table.add_column(width=12)
        table.add_column(overflow="fold", ratio=1)
        for name, value in wording.run_facts(number, ledger):
            table.add_row(name, Text(value))
        tables.append(table)
    return Group(*tables)
