"""The one exception of the language."""

from __future__ import annotations

from nos_tf.errors import excerpt


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
