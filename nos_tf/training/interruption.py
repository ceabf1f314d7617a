"""Ends a training after the current step, with everything saved, when this or another machine is told to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


class Preempted(Exception):
    """SIGTERM was received, as when a machine is preempted. Everything is saved; the command exits with code 0."""


class Interruption:
    """Records SIGINT and SIGTERM; a second signal of the same kind has its usual effect.

    Attributes:
      received: Number of the signal, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    def should_stop(self) -> bool:
        """Returns whether to save and stop."""
        return self.received is not None

    def stop(self) -> None:
        """Raises the exception for the received signal, if any.

        Raises:
          KeyboardInterrupt: SIGINT was received.
          Preempted: SIGTERM was received.
        """
        if self.received == signal.SIGTERM:
            raise Preempted
        if self.received is not None:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Context in which the signals are recorded."""
        before: dict[signal.Signals, Any] = {}

        def record(number: int, frame: FrameType | None) -> None:
            del frame
            self.received = number
            signal.signal(number, before[signal.Signals(number)])

        for name in (signal.SIGINT, signal.SIGTERM):
            before[name] = signal.signal(name, record)
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)


class Agreement:
    """Makes all machines save and stop after the same step; shared variables can only be saved by all of them together.

    Args:
      strategy: Distribution strategy; with a single machine, nothing is exchanged.
      interruption: Interruption of this machine; also receives the signals of other machines.
    """

    def __init__(self, strategy: tf.distribute.Strategy, interruption: Interruption):
        import tensorflow as tf  # Imported late so that a rejected command fails fast.

        self._interruption = interruption
        self._exchange: Callable[[list[float]], Any] | None = None
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):

            @tf.function(input_signature=[tf.TensorSpec([3])])
            def exchange(votes: tf.Tensor) -> tf.Tensor:
                return strategy.reduce("SUM", strategy.run(tf.identity, (votes,)), axis=None)

            self._exchange = exchange

    def reach(self, due: bool) -> tuple[bool, bool]:
        """Exchanges requests with the other machines; all machines must call this after the same steps.

        Args:
          due: Whether this machine wants to save.

        Returns:
          Whether any machine wants to save, and whether any received a signal. Later signals wait for the next call.
        """
        if self._exchange is None:
            return due, self._interruption.should_stop()
        received = self._interruption.received
        votes = [float(due), float(received == signal.SIGINT), float(received == signal.SIGTERM)]
        due, interrupted, terminated = (bool(count) for count in self._exchange(votes).numpy())
        if terminated or interrupted:
            self._interruption.received = signal.SIGTERM if terminated else signal.SIGINT
        return due, terminated or interrupted
