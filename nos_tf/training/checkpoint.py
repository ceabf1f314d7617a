"""Everything that the rest of a training depends on, in one place on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from nos_tf.errors import RunError


class Checkpoint:
    """Saves the variables of a training and its step; the last save that was completed counts."""

    def __init__(self, folder: Path, variables: Iterable[tf.Variable]):
        """Nothing is read or written yet.

        Args:
          folder: Where the files lie.
          variables: Of model, optimizer and metrics, in an order that is the same in every process.
        """
        self._folder = folder
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        unique = list({id(variable): variable for variable in variables}.values())
        self._checkpoint = tf.train.Checkpoint(step=self.step, seconds=self.seconds, variables=unique)
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=1)

    def restore(self) -> int:
        """Sets all variables to the saved ones, if there are any.

        Returns:
          Steps that were made.

        Raises:
          RunError: The files are damaged or of another model or optimizer.
        """
        path = self._manager.latest_checkpoint
        if path is None:
            return 0
        try:
            self._checkpoint.restore(path).assert_consumed()
        except (AssertionError, ValueError, IndexError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0][:160]
            raise RunError(
                f"The checkpoint does not fit this model and optimizer, or is damaged ({reason}); "
                f"choose another --run_dir. Received: {path}"
            ) from None
        return int(self.step.numpy())

    def save(self, step: int, seconds: float) -> None:
        """Saves all variables.

        Args:
          step: Steps that were made.
          seconds: Time that they took.

        Raises:
          RunError: The disk is full or the folder cannot be written; the earlier save stays.
        """
        self.step.assign(step)
        self.seconds.assign(seconds)
        try:
            self._manager.save(checkpoint_number=step)
        except (OSError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0][:160]
            raise RunError(
                f"Cannot write the checkpoint ({reason}); make room, and resume from the one before. "
                f"Received: {self._folder}"
            ) from None
