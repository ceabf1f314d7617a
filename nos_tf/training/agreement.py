"""Lets all machines of a training save and stop after the same step, when one of them is asked to."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from nos_tf.training.interruption import Interruption


class Agreement:
    """Lets all machines save and stop after the same step: a save takes all of them, as they share some variables.

    Args:
      strategy: What the machines train with; a single machine agrees with itself, at no cost.
      interruption: Of this machine; gets the signal that another one received.
    """

    def __init__(self, strategy: tf.distribute.Strategy, interruption: Interruption):
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
