"""User-facing errors and the wording they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_COMPARED_LENGTH = 40  # Characters of an unknown name that are compared with the known ones.
_LINE_LENGTH = 160  # Characters kept of another library's message.
_QUOTED_LENGTH = 24  # Characters of a received value that a message quotes.


class RunError(Exception):
    """Raised when a request cannot be carried out; the message is one line that says why and what to do."""


class DataWarning(UserWarning):
    """Warns, in one line, about data that may be intended but is usually a mistake."""


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Returns the message for a name that is not among the known ones.

    Args:
      kind: What the name refers to, such as "searcher".
      name: The unknown name.
      known: All known names, in the order in which to list them.

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
      RunError: The sentence for the first unknown name, or there is no name at all.
    """
    names, known = list(names), list(known)
    if not names:
        raise RunError(f"Name at least one {kind}. Known: {', '.join(known)}. Received: none")
    for name in names:
        if name not in known:
            raise RunError(unknown(kind, name, known))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most likely stands for, or None if none is close."""
    return next(iter(difflib.get_close_matches(str(name)[:_COMPARED_LENGTH], list(known), n=1, cutoff=0.5)), None)


def excerpt(value: object, length: int = _QUOTED_LENGTH) -> str:
    """The start of a text, or of another value's `repr`, quoted as one short line of ASCII."""
    if not isinstance(value, str):
        return ascii(value)[:length]
    return ascii(value if len(value) <= length else value[: length - 3] + "...")


def summary(error: BaseException) -> str:
    """An exception's type and the first and last informative lines of its message, as one line.

    The lines in between are TensorFlow's graph trace, and those at the end name graph nodes.
    """
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    lines = [line for line in map(str.strip, message.splitlines()) if line and not line.startswith("[[{{")]
    kept = [line.rstrip(":")[:_LINE_LENGTH] for line in lines]
    return ": ".join([type(error).__name__, *dict.fromkeys([*kept[:1], *kept[-1:]])])


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, cut to 160 characters, or the name of its type if it has no message.

    For an operating system error, this is only the reason, since callers name the file themselves.
    """
    message = getattr(error, "strerror", None) or str(error)
    return (next(iter(message.strip().splitlines()), "") or type(error).__name__)[:_LINE_LENGTH]
