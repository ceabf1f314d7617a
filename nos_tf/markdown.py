"""Markdown: tables, and text in which nothing is markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, a line a row, with a line feed after each.

    Args:
      header: Names of the columns.
      rows: Cells, which are Markdown themselves.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain(text: str) -> str:
    """Text in which nothing is markup."""
    return re.sub(r"([\\`*_{}\[\]<>&|#~^$!])", r"\\\1", text)
