"""The one exception of the language, and the nearest-name suggestions of its messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_EXCERPT = 24  # Characters of a rejected text that a message quotes.


class ProgramError(ValueError):
    """A text or a list of tokens that is not a program.

    Attributes:
      text: The rejected text without blanks around it, if it came from one.
      column: Place of the mistake in `text`, counted from 1, if it has one.
    """

    def __init__(self, message: str, text: str | None = None, column: int | None = None):
        self.text = text
        self.column = column
        if text is not None and column is not None:
            message = f"{message} (column {column}, at {excerpt(text[column - 1 :])})"
        super().__init__(message)


def excerpt(text: str) -> str:
    """The beginning of a text, quoted, as one short line of ASCII."""
    return ascii(text if len(text) <= _EXCERPT else text[: _EXCERPT - 3] + "...")


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'sign'?` for the known name nearest to a short unknown one, or nothing."""
    nearest = difflib.get_close_matches(name[:40], list(known), n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
