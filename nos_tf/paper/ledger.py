"""The ledger: every cell and every claim of the paper, and what the runs say of it.

A cell and a run that has its optimizer make one line. What is compared is the mean over the seeds at the learning rate
that the run chose by validation. A cell's status is the first of these that is true:

- *not run*: no run has the optimizer.
- *not comparable (smaller scale)*: the run does not state the paper's data and scale (see `scale`), tried fewer
  learning rates, or did not choose one by validation. Nothing that it says is held against the paper, or for it.
- *not reproduced*: one of the seeds diverged.
- *not comparable (smaller scale)*: a seed lacks the number.
- *reproduced*: the mean reaches the paper's value: it is at least as good, or worse by no more than the value's own
  error (half of its last printed digit, or the error of reading a figure).
- *within the confidence interval*: the mean does not reach the value, but Student's t 95% interval of the mean over two
  seeds or more does.
- *not reproduced*: otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from nos_tf.paper.cells import TABLES, Column, Row, Table
from nos_tf.paper.claims import CLAIMS, ClaimResult, check
from nos_tf.paper.entry import Entry, RunEntries, numbered
from nos_tf.paper.results import Run
from nos_tf.statistics import Interval

_ROUNDING = 1e-9  # Numbers on the edge of the tolerance are inside.


class Status(enum.Enum):
    """What can be said of a cell."""

    REPRODUCED = "reproduced"
    WITHIN = "within the confidence interval"
    NOT_REPRODUCED = "not reproduced"
    NOT_COMPARABLE = "not comparable (smaller scale)"
    NOT_RUN = "not run"


class CellResult(NamedTuple):
    """A cell and what a run says of it.

    Attributes:
      column: The cell's column.
      value: The paper's number.
      status: The comparison.
      measured: Mean and interval in the column's unit; None when there is none.
    """

    column: Column
    value: float
    status: Status
    measured: Interval | None


class Line(NamedTuple):
    """A row of a table and one entry of a run, or none; one result a column."""

    entry: Entry | None
    cells: tuple[CellResult, ...]

    @property
    def status(self) -> Status | None:
        """The status that all its cells have; None when they differ."""
        found = {cell.status for cell in self.cells}
        return found.pop() if len(found) == 1 else None


class RowResult(NamedTuple):
    """A row of a table and its lines, at least one."""

    row: Row
    lines: tuple[Line, ...]

    @property
    def was_run(self) -> bool:
        """Whether a run has its optimizer."""
        return self.lines[0].entry is not None


class TableResult(NamedTuple):
    """A table and its rows, those that were run first.

    Attributes:
      table: The table.
      rows: Its rows, or some of them.
      left_out: How many more rows there are, none of which was run.
    """

    table: Table
    rows: tuple[RowResult, ...]
    left_out: int = 0


class Ledger(NamedTuple):
    """The whole comparison.

    Attributes:
      runs: All runs, numbered from 1.
      tables: The paper's tables.
      claims: Its claims, those that were run first, or some of them.
      claims_left_out: How many more claims there are, none of which was run.
    """

    runs: tuple[Run, ...]
    tables: tuple[TableResult, ...]
    claims: tuple[ClaimResult, ...]
    claims_left_out: int = 0

    def count(self, status: Status) -> int:
        """How many results have a status, those left out included."""
        cells = (cell for table in self.tables for row in table.rows for line in row.lines for cell in line.cells)
        hidden = sum(table.left_out * len(table.table.columns) for table in self.tables)
        return sum(cell.status is status for cell in cells) + (hidden if status is Status.NOT_RUN else 0)

    def of_what_was_run(self) -> Ledger:
        """The ledger without rows and claims of which nothing was run; they are only counted."""
        tables = []
        for table in self.tables:
            rows = tuple(row for row in table.rows if row.was_run)
            tables.append(TableResult(table.table, rows, table.left_out + len(table.rows) - len(rows)))
        claims = tuple(claim for claim in self.claims if claim.pair is not None)
        left_out = self.claims_left_out + len(self.claims) - len(claims)
        return Ledger(self.runs, tuple(tables), claims, left_out)


def compare(runs: Sequence[Run]) -> Ledger:
    """Puts runs beside the paper."""
    entries = numbered(runs)
    tables = []
    for table in TABLES:
        rows = [_row(table, row, entries) for row in table.rows]
        tables.append(TableResult(table, tuple(sorted(rows, key=lambda row: not row.was_run))))
    claims = [result for claim in CLAIMS for result in check(claim, entries)]
    return Ledger(tuple(runs), tuple(tables), tuple(sorted(claims, key=lambda claim: claim.pair is None)))


def _row(table: Table, row: Row, runs: Sequence[RunEntries]) -> RowResult:
    found: list[Entry | None] = [
        entry for run in runs if run.run.experiment == table.experiment for entry in run.of(row.optimizer)
    ]
    return RowResult(row, tuple(_line(table, row, entry) for entry in found or [None]))


def _line(table: Table, row: Row, entry: Entry | None) -> Line:
    return Line(
        entry, tuple(_cell(column, value, entry) for column, value in zip(table.columns, row.values, strict=True))
    )


def _cell(column: Column, value: float, entry: Entry | None) -> CellResult:
    if entry is None:
        return CellResult(column, value, Status.NOT_RUN, None)
    measured = in_unit(column, entry.interval(column.metric))
    return CellResult(column, value, _status(column, value, entry, measured), measured)


def in_unit(column: Column, interval: Interval | None) -> Interval | None:
    """A measured interval in the unit of the paper's column."""
    if interval is None:
        return None
    half_width = None if interval.half_width is None else interval.half_width * column.factor
    return Interval(interval.mean * column.factor, half_width)


def _status(column: Column, value: float, entry: Entry, measured: Interval | None) -> Status:
    if entry.obstacles:
        return Status.NOT_COMPARABLE
    if entry.diverged:
        return Status.NOT_REPRODUCED
    if measured is None:
        return Status.NOT_COMPARABLE
    missing = (value - measured.mean) * (1 if column.higher_is_better else -1) - column.tolerance - _ROUNDING
    if missing <= 0:
        return Status.REPRODUCED
    if measured.half_width is not None and missing <= measured.half_width:
        return Status.WITHIN
    return Status.NOT_REPRODUCED
