"""The weights of a trained model, in Keras' own file format."""

from __future__ import annotations

import warnings
from pathlib import Path

import tensorflow as tf

from nos_tf import run_folder
from nos_tf.errors import RunError

LAST, AVERAGED = "last.weights.h5", "averaged.weights.h5"


def save(model: tf.keras.Model, path: Path) -> None:
    """Writes the weights whole, or leaves the earlier file.

    Raises:
      RunError: The file cannot be written.
    """
    with run_folder.replacing(path) as temporary:
        model.save_weights(temporary)


def load(model: tf.keras.Model, path: Path) -> None:
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
        reason = " ".join(str(error).split())[:160]
        raise RunError(f"The weights cannot be read ({reason}). Received: {path}") from None
