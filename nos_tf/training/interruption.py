"""Lets a training end at the next step, with everything saved, when it or another of its machines is asked to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


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


class Agreement:
    """Lets all machines save and stop after the same step: a save takes all of them, as they share some variables.

    Args:
      strategy: What the machines train with; a single machine agrees with itself, at no cost.
      interruption: Of this machine; gets the signal that another one received.
    """

    def __init__(self, strategy: tf.distribute.Strategy, interruption: Interruption):
        import tensorflow as tf  # Not before: a command that is refused should not wait for it.

        self._interruption = interruption
        self._exchange: Callable[[list[float]], Any] | None = None
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):

            @tf.function(input_signature=[tf.TensorSpec([3])])
            def exchange(said: tf.Tensor) -> tf.Tensor:
                return strategy.reduce("SUM", strategy.run(tf.identity, (said,)), axis=None)

            self._exchange = exchange

    def reach(self, due: bool) -> tuple[bool, bool]:
        """Tells the others of a signal and hears of theirs; called after the same steps by all.

        Args:
          due: Whether this machine wants to save.

        Returns:
          Whether one machine does, and whether one was asked to stop; a signal from now on waits for the next call.
        """
        if self._exchange is None:
            return due, self._interruption.check()
        received = self._interruption.received
        said = [float(due), float(received == signal.SIGINT), float(received == signal.SIGTERM)]
        due, interrupted, terminated = (bool(count) for count in self._exchange(said).numpy())
        if terminated or interrupted:
            self._interruption.received = signal.SIGTERM if terminated else signal.SIGINT
        return due, terminated or interrupted
