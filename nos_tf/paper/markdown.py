"""The ledger as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from nos_tf.common.text import markdown_escaped, markdown_table
from nos_tf.paper import wording
from nos_tf.paper.entry import Entry
from nos_tf.paper.ledger import Ledger, Line, RowResult, Status, TableResult


def render(ledger: Ledger) -> str:
    """Renders the whole ledger."""
    parts = [f"# {wording.TITLE}\n\n{markdown_escaped(wording.summary(ledger))}\n"]
    parts += [_section(table) for table in ledger.tables]
    claims = []
    for result in ledger.claims:
        words = (result.claim.text, wording.trust(result.claim.trust), wording.evidence(result))
        claims.append((*map(markdown_escaped, words), f"**{wording.claim_status(result)}**"))
    claim_table = _table(("claim", "trust", "what the runs say", "status"), claims, ledger.claims_left_out, "claim")
    parts.append("## The paper's claims\n\n" + claim_table)
    facts = [[("run", f"R{number}"), *wording.run_facts(number, ledger)] for number in range(1, len(ledger.runs) + 1)]
    parts.append(
        "## Runs\n\n"
        + markdown_table([name for name, _ in facts[0]], [[markdown_escaped(text) for _, text in one] for one in facts])
    )
    return "\n".join(parts)


def _section(result: TableResult) -> str:
    headings = ("optimizer", *(wording.heading(column) for column in result.table.columns), "trust or run")
    lines = [line for row in result.rows for line in _lines(row, wording.trust(result.table.trust))]
    return f"## {markdown_escaped(result.table.title)}\n\n{_table(headings, lines, result.left_out, 'row')}"


def _table(header: Sequence[str], lines: Sequence[Sequence[str]], left_out: int, noun: str) -> str:
    """A table, if it has any lines, and the number of rows left out."""
    parts = [markdown_table(header, lines)] if lines else []
    if left_out:
        parts.append(f"{wording.left_out(left_out, noun)}\n")
    return "\n".join(parts)


def _lines(row: RowResult, mark: str) -> list[list[str]]:
    printed = markdown_escaped(row.row.printed)
    not_run = [Status.NOT_RUN for line in row.lines if line.entry is None]
    numbers = (f"**{wording.paper(cell.column, cell.value)}**" for cell in row.lines[0].cells)
    lines = [[f"**{printed}**", *numbers, markdown_escaped(mark) + "".join(map(_status, not_run))]]
    return lines + [[printed, *_measured(line, line.entry)] for line in row.lines if line.entry is not None]


def _measured(line: Line, entry: Entry) -> list[str]:
    """Cells of a run; a status shared by all cells appears once, next to the run."""
    name, numbers = (
        markdown_escaped(wording.entry(entry)),
        [markdown_escaped(wording.cell(cell, entry)) for cell in line.cells],
    )
    if line.status is not None:
        return [*numbers, name + _status(line.status)]
    return [*(number + _status(cell.status) for cell, number in zip(line.cells, numbers, strict=True)), name]


def _status(status: Status) -> str:
    return f"<br>*{status.value}*"
