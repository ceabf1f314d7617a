"""The ledger's numbers and sentences as text, shared by all formats."""

from __future__ import annotations

from nos_tf.common import text
from nos_tf.common.statistics import Interval
from nos_tf.paper.cells import Column
from nos_tf.paper.claims import ClaimResult, ClaimStatus
from nos_tf.paper.entry import Entry
from nos_tf.paper.ledger import CellResult, Ledger, Status, in_unit
from nos_tf.paper.trust import Trust

TITLE = "The paper's results compared with our runs"


def summary(ledger: Ledger) -> str:
    """Number of cells with each status."""
    counts = ", ".join(f"{ledger.count(status)} {status.value}" for status in Status)
    return f"The paper's numbers, counted once for each run of their optimizer: {counts}."


def left_out(count: int, noun: str) -> str:
    """Number of rows or claims that are not shown because they were not run."""
    return f"Not run: {_count(count, noun)}."


def trust(mark: Trust) -> str:
    """A trust mark with its explanation."""
    return f"[{mark.value}] {mark.words}"


def heading(column: Column) -> str:
    """A column's name and unit."""
    return f"{column.heading}, {column.unit}" if column.unit else column.heading


def paper(column: Column, value: float) -> str:
    """A number as printed in the paper."""
    return f"{value:.{column.decimals}f}"


def measured(column: Column, interval: Interval) -> str:
    """A mean with one more digit than in the paper, and its confidence interval."""

    def number(value: float) -> str:
        if column.decimals is None:
            return f"{value:.3g}"
        return f"{round(value, column.decimals + 1) + 0.0:.{column.decimals + 1}f}"  # Adding 0 turns -0 into 0.

    return number(interval.mean) + ("" if interval.half_width is None else f" ± {number(interval.half_width)}")


def cell(result: CellResult, entry: Entry) -> str:
    """The value that a run measured for a cell."""
    return measured(result.column, result.measured) if result.measured is not None else _why_none(entry)


def entry(found: Entry) -> str:
    """Run, optimizer, learning rate and number of seeds in one line."""
    rates = ", ".join(text.number(rate) for rate in found.learning_rates)
    chosen = f"lr {rates}" if rates else "no lr chosen"
    return f"R{found.number}: {found.optimizer}, {chosen}, {_count(len(set(found.seeds)), 'seed')}"


def evidence(result: ClaimResult) -> str:
    """The measured values behind a claim's status; empty if there are none."""
    if result.pair is None:
        return ""
    column = result.claim.column
    sides = []
    for side in result.pair:
        interval = in_unit(column, side.interval(column.metric))
        shown = _why_none(side) if interval is None else measured(column, interval)
        sides.append(f"R{side.number} {side.optimizer} {shown} ({_count(len(side.trainings), 'seed')})")
    lead = "" if result.lead is None else f"; ahead by {measured(column, result.lead)} {column.unit}".rstrip()
    outcome = "" if result.at_smaller_scale is None else f"at smaller scale: {result.at_smaller_scale.value}; "
    return f"{outcome}{column.heading}: {' vs. '.join(sides)}{lead}"


def claim_status(result: ClaimResult) -> str:
    """A claim's status, with the reason if it is not decided."""
    if result.status is not ClaimStatus.NOT_DECIDED or result.pair is None:
        return result.status.value
    if result.claim.delta is None:
        return f"{result.status.value} (the paper gives no number)"
    return f"{result.status.value} ({'fewer than 2 seeds' if result.lead is not None else 'a number is missing'})"


def run_facts(number: int, ledger: Ledger) -> list[tuple[str, str]]:
    """Names and texts of the facts about a run, given its number in the ledger."""
    run = ledger.runs[number - 1]
    return [
        ("folder", ", ".join(run.folders)),
        ("experiment", run.experiment + (f", {run.function}" if run.function else "")),
        ("data", run.dataset),
        ("scale", run.scale_text or "unknown"),
        ("seeds", ", ".join(map(str, run.seeds)) or "none"),
        ("config hash", run.config_hash),
        ("commit", run.commit or "unknown"),
        ("cost", f"{text.duration(run.seconds)}, {_count(len(run.trainings), 'training')}"),
        ("comparable", "; ".join(_obstacles(number, ledger)) or "yes"),
    ]


def _obstacles(number: int, ledger: Ledger) -> list[str]:
    """Reasons why a run, or some of its optimizers, cannot be compared with the paper."""
    lines = [line for table in ledger.tables for row in table.rows for line in row.lines]
    entries = [line.entry for line in lines if line.entry is not None and line.entry.number == number]
    entries += [entry for claim in ledger.claims for entry in claim.pair or () if entry.number == number]
    return list(dict.fromkeys(obstacle for entry in entries for obstacle in entry.obstacles))


def _why_none(entry: Entry) -> str:
    if entry.diverged:
        return f"{entry.diverged} of {_count(len(entry.trainings), 'seed')} diverged"
    return "not measured"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
