"""An autoencoder for the digits: a child without labels, whose loss is a squared error."""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf.tasks import digits, splitting
from nos_tf.tasks.objective import SQUARED_ERROR
from nos_tf.tasks.task import Splits, register

_HIDDEN, _CODE = 64, 16


def load(data_dir: str | None = None) -> Splits:
    """The splits of `digits`, with each image as its own target."""
    whole = digits.load(data_dir)
    parts = (whole.train, whole.validation, whole.test)
    images = np.concatenate([part.inputs for part in parts])
    train, validation = len(whole.train), len(whole.validation)
    targets = splitting.standardized(images.reshape(len(images), -1).astype(np.float64), train)
    return splitting.splits(images, targets, train, validation)


def build_model() -> Any:
    """From 64 pixels to a code of 16 numbers and back, with one hidden layer each way."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Rescaling(1 / 16)(inputs))
    x = layers.Dense(_HIDDEN, activation="relu")(x)
    x = layers.Dense(_CODE)(x)
    x = layers.Dense(_HIDDEN, activation="relu")(x)
    return tf.keras.Model(inputs, layers.Dense(64)(x))


register(
    "digits_autoencoder",
    load,
    build_model,
    data_label=f"{digits.DATA_LABEL}, to be reconstructed",
    batch_size=20,
    epochs=3,
    objective=SQUARED_ERROR,
)
