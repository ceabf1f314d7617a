"""Files of a training: its history, a checkpoint to resume from, and the final weights.

If the optimizer keeps running averages of the weights (`use_ema`), these are saved too. Only trainable weights are
averaged; batch normalization has its own running statistics.
"""

from __future__ import annotations

import contextlib
import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from nos_tf.common import run_folder
from nos_tf.common.errors import RunError, first_line
from nos_tf.optimizers.keras_compat import tf_variables, weight_averages

HISTORY = "history.csv"
Row = dict[str, float]  # "epoch", "loss" and "accuracy" on the training batches, "val_accuracy", ...
LAST, AVERAGED = "last.weights.h5", "averaged.weights.h5"


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes all rows at full precision, or leaves the existing file unchanged.

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
    """Reads a file written by `write_rows`; after divergence, the last row has empty fields, which are left out.

    Raises:
      RunError: The file is missing or has another format.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [{name: _number(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"The history of a training cannot be read ({first_line(error)}). Received: {path}") from None


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)


class Checkpoint:
    """Saves and restores the variables and the step of a training; only the last complete save counts."""

    def __init__(self, folder: Path, variables: Iterable[tf.Variable]):
        """Prepares the checkpoint without reading or writing files.

        Args:
          folder: Folder of the files.
          variables: Variables of the model, optimizer and metrics, in the same order in every process.
        """
        self._folder = folder
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        unique = list({id(variable): variable for variable in variables}.values())
        self._checkpoint = tf.train.Checkpoint(step=self.step, seconds=self.seconds, variables=unique)
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=1)

    def restore(self) -> int:
        """Restores all variables if there is a checkpoint.

        Returns:
          Number of completed steps.

        Raises:
          RunError: The files are damaged or belong to another model or optimizer.
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
          step: Number of completed steps.
          seconds: Training time so far.

        Raises:
          RunError: The disk is full or the folder cannot be written; the previous checkpoint is kept.
        """
        self.step.assign(step)
        self.seconds.assign(seconds)
        try:
            self._manager.save(checkpoint_number=step)
        except (OSError, tf.errors.OpError) as error:
            raise RunError(
                f"Cannot write the checkpoint ({first_line(error)}); free disk space and resume from the previous one. "
                f"Received: {self._folder}"
            ) from None


def save_weights(model: tf.keras.Model, path: Path) -> None:
    """Writes the weights atomically: a failure leaves the existing file unchanged.

    Raises:
      RunError: The file cannot be written.
    """
    with run_folder.replacing(path) as temporary:
        model.save_weights(temporary)


def load_weights(model: tf.keras.Model, path: Path) -> None:
    """Loads weights from a file.

    Args:
      model: Built model.
      path: File written by `save_weights`.

    Raises:
      RunError: The file is missing, damaged or belongs to another model.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns about layers missing from the file.
            model.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        raise RunError(f"The weights cannot be read ({first_line(error)}). Received: {path}") from None


@contextlib.contextmanager
def averaged_weights(model: tf.keras.Model) -> Iterator[None]:
    """Context in which the averages replace a model's weights.

    Args:
      model: Model whose optimizer keeps averages and has taken at least one step.
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
