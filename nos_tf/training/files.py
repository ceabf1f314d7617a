"""What a training keeps on disk: its history, a checkpoint of all that the rest of it depends on, and its weights.

Weights are also kept as running averages where the optimizer makes them (`use_ema`). Only what is trained is averaged:
batch normalization has running statistics of its own.
"""

from __future__ import annotations

import contextlib
import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from nos_tf import run_folder
from nos_tf.errors import RunError, first_line
from nos_tf.optimizers.keras_compat import tf_variables, weight_averages

HISTORY = "history.csv"
Row = dict[str, float]  # By name: "epoch", "loss" and "accuracy" of its batches, "val_accuracy", ...
LAST, AVERAGED = "last.weights.h5", "averaged.weights.h5"


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes all rows, exact to the last digit, or leaves the earlier file.

    Raises:
      RunError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["epoch"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with run_folder.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    run_folder.write_text(path, text.getvalue())


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote; a training that diverged at once has empty fields in its last row.

    Raises:
      RunError: The file is missing or holds something else.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [{name: _number(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"The history of a training cannot be read ({first_line(error)}). Received: {path}") from None


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)


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
            raise RunError(
                f"The checkpoint does not fit this model and optimizer, or is damaged ({first_line(error)}); "
                f"choose another run folder. Received: {path}"
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
            raise RunError(
                f"Cannot write the checkpoint ({first_line(error)}); make room, and resume from the one before. "
                f"Received: {self._folder}"
            ) from None


def save_weights(model: tf.keras.Model, path: Path) -> None:
    """Writes the weights whole, or leaves the earlier file.

    Raises:
      RunError: The file cannot be written.
    """
    with run_folder.replacing(path) as temporary:
        model.save_weights(temporary)


def load_weights(model: tf.keras.Model, path: Path) -> None:
    """Sets the weights to the saved ones.

    Args:
      model: Its weights must have been made.
      path: What `save` wrote.

    Raises:
      RunError: The file is missing, damaged or of another model.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of layers that the file does not hold.
            model.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        raise RunError(f"The weights cannot be read ({first_line(error)}). Received: {path}") from None


@contextlib.contextmanager
def averaged_weights(model: tf.keras.Model) -> Iterator[None]:
    """Puts the averages in the place of a model's weights, and takes them back.

    Args:
      model: Its optimizer keeps averages, and has made a step.
    """
    weights = tf_variables(model.trainable_variables)
    raw = [variable.numpy() for variable in weights]
    for variable, average in zip(weights, weight_averages(model.optimizer), strict=True):
        variable.assign(average)
    try:
        yield
    finally:
        for variable, value in zip(weights, raw, strict=True):
            variable.assign(value)
