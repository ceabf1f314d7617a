"""The language's only exception."""

from __future__ import annotations

from nos_tf.common.errors import excerpt


class ProgramError(ValueError):
    """Raised for a text or a list of tokens that is not a program.

    Attributes:
      text: The rejected text without surrounding whitespace, or None if there was no text.
      column: Position of the mistake in `text`, counted from 1, or None if it has no position.
    """

    def __init__(self, message: str, text: str | None = None, column: int | None = None):
        self.text = text
        self.column = column
        if text is not None and column is not None:
            message = f"{message} (column {column}, at {excerpt(text[column - 1 :])})"
        super().__init__(message)
