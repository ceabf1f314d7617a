"""Errors that a user is meant to read, and the sentences that they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_COMPARED = 40  # Characters of an unknown name that are compared with the known ones.
_LINE = 160  # Characters of another library's message that are passed on.
_QUOTED = 24  # Characters of a received text that a message quotes.


class RunError(Exception):
    """What the user asked for cannot be done; the message is one line that says why and what to do."""


class DataWarning(UserWarning):
    """Something about data that may be meant, but most often is not; one line."""


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """The sentence for a name that is not one of a known set.

    Args:
      kind: What is named, such as "searcher".
      name: The unknown name.
      known: All known names, in the order in which they are listed.

    Returns:
      One line such as `Unknown task; did you mean 'digits'? Known: digits, wine. Received: 'digts'`.
    """
    names = list(known)
    near = nearest(name, names)
    hint = f"; did you mean {near!r}?" if near else "."
    return f"Unknown {kind}{hint} Known: {', '.join(names)}. Received: {excerpt(name)}"


def require_known(kind: str, names: Iterable[object], known: Iterable[str]) -> None:
    """Refuses names that are not among the known ones.

    Raises:
      RunError: The sentence for the first unknown name.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise RunError(unknown(kind, name, known))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most likely is, if one is close."""
    return next(iter(difflib.get_close_matches(str(name)[:_COMPARED], list(known), n=1, cutoff=0.5)), None)


def excerpt(value: object, length: int = _QUOTED) -> str:
    """The beginning of a text, or of another value's representation, quoted as one short line of ASCII."""
    if not isinstance(value, str):
        return ascii(value)[:length]
    return ascii(value if len(value) <= length else value[: length - 3] + "...")


def summary(error: BaseException) -> str:
    """An exception's type, and the first and the last line that says something, in one line.

    What lies between is TensorFlow's trace of the graph, and what follows are names of its nodes.
    """
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    lines = [line for line in map(str.strip, message.splitlines()) if line and not line.startswith("[[{{")]
    kept = [line.rstrip(":")[:_LINE] for line in lines]
    return ": ".join([type(error).__name__, *dict.fromkeys([*kept[:1], *kept[-1:]])])


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, cut to 160 characters, or the name of its type where it has none.

    Of an error of the operating system, it is the reason alone: whoever shows it names the file.
    """
    message = getattr(error, "strerror", None) or str(error)
    return (next(iter(message.strip().splitlines()), "") or type(error).__name__)[:_LINE]
