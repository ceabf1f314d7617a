"""Lets a training end at the next step, with everything saved, when it is asked to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any


class Preempted(Exception):
    """SIGTERM came: the machine is wanted back. What was trained is saved; the command ends with exit code 0."""


class Interruption:
    """Notes that a signal came; a second one of the same kind acts at once, as if nobody had listened.

    Attributes:
      received: Number of the signal.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    def check(self) -> bool:
        """Whether to save and stop."""
        return self.received is not None

    def stop(self) -> None:
        """Raises what the signal asks for.

        Raises:
          KeyboardInterrupt: SIGINT came.
          Preempted: SIGTERM came.
        """
        if self.received == signal.SIGTERM:
            raise Preempted
        if self.received is not None:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listens to SIGINT and SIGTERM."""
        before: dict[signal.Signals, Any] = {}

        def note(number: int, frame: FrameType | None) -> None:
            del frame
            self.received = number
            signal.signal(number, before[signal.Signals(number)])

        for name in (signal.SIGINT, signal.SIGTERM):
            before[name] = signal.signal(name, note)
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)
