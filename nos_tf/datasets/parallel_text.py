"""Parallel text from a user's own files: line n of one file translates line n of the other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

from nos_tf.common.errors import DataWarning, RunError


class ParallelText(NamedTuple):
    """Sentences and their translations, one for one."""

    source: list[str]
    target: list[str]


def load(source_path: str, target_path: str) -> ParallelText:
    """Reads two UTF-8 files; only line feeds end lines.

    Bytes that are not UTF-8 become U+FFFD, and one warning per file counts them.

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


def check_texts(texts: Mapping[str, ParallelText]) -> None:
    """Rejects texts that nothing can be learned from or measured on.

    Only warns about what may be intended: pairs with an empty side, pairs with the same text on both sides, and pairs
    that are both trained on and measured on.

    Args:
      texts: Texts by name; the training text, if any, is named "train".

    Raises:
      ValueError: One line names the text and says what to do.
    """
    for name, text in texts.items():
        _check_sides(name, text)
        if name != "train" and "train" in texts:
            _check_apart(name, text, texts["train"])


def _check_apart(name: str, text: ParallelText, trained: ParallelText) -> None:
    shared = set(zip(*text, strict=True)).intersection(zip(*trained, strict=True))
    if shared:
        count = sum(pair in shared for pair in zip(*text, strict=True))
        _warn(f"{count:,} of {len(text.source):,} pairs of {name} are also trained on")


def _check_sides(name: str, text: ParallelText) -> None:
    pairs = len(text.source)
    empty = same = 0
    for source, target in zip(*text, strict=True):
        if not source.strip() or not target.strip():
            empty += 1
        elif source == target:
            same += 1
    if empty == pairs:
        raise ValueError(f"A pair of {name} must have words on both sides; check the text. Received: {pairs} pairs")
    if empty:
        _warn(f"{empty:,} of {pairs:,} pairs of {name} have an empty side")
    if same > pairs / 2:
        _warn(f"{same:,} of {pairs:,} pairs of {name} have the same text on both sides")


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            decoded = [_decoded(line.rstrip(b"\r\n")) for line in file]
    except OSError as error:
        raise RunError(f"The text cannot be read ({error.strerror}); check the path. Received: {path}") from None
    damaged = {number: count for number, (_, count) in enumerate(decoded, start=1) if count}
    if damaged:
        _warn(
            f"{sum(damaged.values()):,} bytes are not UTF-8 and are read as U+FFFD, on {len(damaged):,} of "
            f"{len(decoded):,} lines, the first of them line {min(damaged):,} of {path}"
        )
    return [line for line, _ in decoded]


def _decoded(line: bytes) -> tuple[str, int]:
    """Decodes a line, and counts its bytes that are not UTF-8."""
    try:
        return line.decode(), 0
    except UnicodeDecodeError:
        # This error handler keeps each invalid byte as one lone surrogate.
        invalid = sum("\udc80" <= character <= "\udcff" for character in line.decode(errors="surrogateescape"))
        return line.decode(errors="replace"), invalid


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=3)
