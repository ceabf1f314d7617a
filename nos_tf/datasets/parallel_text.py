"""Parallel text from a user's own files: line n of one file translates line n of the other."""

from __future__ import annotations

from typing import NamedTuple

from nos_tf.errors import RunError


class ParallelText(NamedTuple):
    """Sentences and their translations, one for one."""

    source: list[str]
    target: list[str]


def load(source_path: str, target_path: str) -> ParallelText:
    """Reads two UTF-8 files; bytes that are no UTF-8 become U+FFFD, and only line feeds end lines.

    Raises:
      RunError: A file cannot be read, or the two have different numbers of lines.
    """
    source, target = (_lines(path) for path in (source_path, target_path))
    if len(source) != len(target):
        raise RunError(
            "Parallel files need the same number of lines; check that they belong together. "
            f"Received: {len(source)} lines in {source_path}, {len(target)} in {target_path}"
        )
    return ParallelText(source, target)


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            return [line.rstrip(b"\r\n").decode(errors="replace") for line in file]
    except OSError as error:
        raise RunError(f"The text cannot be read ({error.strerror}); check the path. Received: {path}") from None
