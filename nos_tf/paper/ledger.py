"""The ledger: compares every table cell and every claim of the paper with the runs.

Each cell gets one line per run that has its optimizer. The value compared is the mean over seeds at the learning rate
that the run selected on validation data. The status of a cell is the first of these that applies:

- *not run*: no run has the optimizer.
- *not comparable (smaller scale)*: the run does not state the paper's data and scale (see `scale`), tried fewer
  learning rates, or did not select one on validation data. It counts neither for nor against the paper.
- *not reproduced*: a seed diverged.
- *not comparable (smaller scale)*: the value is missing for a seed.
- *reproduced*: the mean is at least as good as the paper's value, or worse by no more than that value's error (half of
  its last printed digit, or the error of reading a figure).
- *within the confidence interval*: the mean is worse, but Student's t 95% interval of the mean over at least two seeds
  contains the value.
- *not reproduced*: otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from nos_tf.common.statistics import Interval
from nos_tf.paper.cells import TABLES, Column, Row, Table
from nos_tf.paper.claims import CLAIMS, ClaimResult, compare_with_runs
from nos_tf.paper.entry import Entry, RunEntries, numbered
from nos_tf.paper.results import Run

_ROUNDING = 1e-9  # Values exactly at the tolerance count as within it.


class Status(enum.Enum):
    """Outcome of comparing a cell."""

    REPRODUCED = "reproduced"
    WITHIN = "within the confidence interval"
    NOT_REPRODUCED = "not reproduced"
    NOT_COMPARABLE = "not comparable (smaller scale)"
    NOT_RUN = "not run"


class CellResult(NamedTuple):
    """A cell compared with a run.

    Attributes:
      column: Column of the cell.
      value: Value in the paper.
      status: Outcome of the comparison.
      measured: Measured mean and interval in the column's unit, or None.
    """

    column: Column
    value: float
    status: Status
    measured: Interval | None


class Line(NamedTuple):
    """A row of a table compared with one entry of a run, or with none; holds one result per column."""

    entry: Entry | None
    cells: tuple[CellResult, ...]

    @property
    def status(self) -> Status | None:
        """The status shared by all cells, or None if they differ."""
        statuses = {cell.status for cell in self.cells}
        return statuses.pop() if len(statuses) == 1 else None


class RowResult(NamedTuple):
    """A row of a table and its lines; there is at least one."""

    row: Row
    lines: tuple[Line, ...]

    @property
    def was_run(self) -> bool:
        """Whether any run has the row's optimizer."""
        return self.lines[0].entry is not None


class TableResult(NamedTuple):
    """A table and its rows, starting with those that were run.

    Attributes:
      table: The table.
      rows: All rows, or some of them.
      left_out: Number of rows left out because they were not run.
    """

    table: Table
    rows: tuple[RowResult, ...]
    left_out: int = 0


class Ledger(NamedTuple):
    """The whole comparison.

    Attributes:
      runs: All runs, numbered from 1.
      tables: Results for the paper's tables.
      claims: Results for all claims or some of them, starting with those that were run.
      claims_left_out: Number of claims left out because they were not run.
    """

    runs: tuple[Run, ...]
    tables: tuple[TableResult, ...]
    claims: tuple[ClaimResult, ...]
    claims_left_out: int = 0

    def count(self, status: Status) -> int:
        """Number of cells with a status, including those left out."""
        cells = (cell for table in self.tables for row in table.rows for line in row.lines for cell in line.cells)
        hidden = sum(table.left_out * len(table.table.columns) for table in self.tables)
        return sum(cell.status is status for cell in cells) + (hidden if status is Status.NOT_RUN else 0)

    def of_what_was_run(self) -> Ledger:
        """Returns the ledger without the rows and claims that were not run, which are only counted."""
        tables = []
        for table in self.tables:
            rows = tuple(row for row in table.rows if row.was_run)
            tables.append(TableResult(table.table, rows, table.left_out + len(table.rows) - len(rows)))
        claims = tuple(claim for claim in self.claims if claim.pair is not None)
        left_out = self.claims_left_out + len(self.claims) - len(claims)
        return Ledger(self.runs, tuple(tables), claims, left_out)


def compare(runs: Sequence[Run]) -> Ledger:
    """Compares runs with the paper."""
    entries = numbered(runs)
    tables = []
    for table in TABLES:
        rows = [_row(table, row, entries) for row in table.rows]
        tables.append(TableResult(table, tuple(sorted(rows, key=lambda row: not row.was_run))))
    claims = [result for claim in CLAIMS for result in compare_with_runs(claim, entries)]
    return Ledger(tuple(runs), tuple(tables), tuple(sorted(claims, key=lambda claim: claim.pair is None)))


def _row(table: Table, row: Row, runs: Sequence[RunEntries]) -> RowResult:
    entries: list[Entry | None] = [
        entry for run in runs if run.run.experiment == table.experiment for entry in run.of(row.optimizer)
    ]
    return RowResult(row, tuple(_line(table, row, entry) for entry in entries or [None]))


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
    """Converts a measured interval to the unit of a column."""
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
