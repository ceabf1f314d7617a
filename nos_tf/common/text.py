"""Text for people: durations, and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def duration(seconds: float) -> str:
    """A length of time such as `4 min 10 s`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def number(value: float, digits: int = 6) -> str:
    """A number in its shortest form, with at most `digits` digits and exponents as people write them: `1e-5`."""
    return re.sub(r"e([+-])0+", r"e\1", f"{value:.{digits}g}").replace("e+", "e")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, one line per row, each ending in a newline.

    Args:
      header: Names of the columns.
      rows: Cells of each row, as Markdown.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_escaped(text: str) -> str:
    """Escapes every character that Markdown would read as markup."""
    return re.sub(r"([\\`*_{}\[\]<>&|#~^$!])", r"\\\1", text)


def p_value(p: float) -> str:
    """A p-value as text."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def difference(mean: float, half_width: float | None, p: float, decimals: int = 4) -> str:
    """A paired difference with the half-width of its confidence interval, if there is one, and its p-value as text."""
    margin = "" if half_width is None else f" ± {half_width:.{decimals}f}"
    return f"{mean:+.{decimals}f}{margin} ({p_value(p)})"
