"""The common look of plots and tables: one palette, one console width."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Okabe and Ito's colors, which people with color blindness can tell apart.
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442",
)  # fmt: skip
GRAY, LIGHT_GRAY = "#6E6E6E", "#C8C8C8"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GRAY)  # In the order in which curves use them.
DASHES = ("-", "--", "-.", ":")

CONSOLE_WIDTH = 120  # Columns, when output does not go to a terminal.


def curve(place: int) -> tuple[str, str]:
    """Color and dashes of a curve, given its place among the curves of a plot, from 0."""
    return PALETTE[place % len(PALETTE)], DASHES[place // len(PALETTE)]


def console() -> Console:
    """A console for tables on standard output, as wide as the terminal, or as `CONSOLE_WIDTH` in a pipe or file."""
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(width=CONSOLE_WIDTH, highlight=False)
