"""The digits with a multilayer perceptron, which treats the images of `digits` as plain vectors."""

from __future__ import annotations

from typing import Any

from nos_tf.tasks import digits
from nos_tf.tasks.task import register

_UNITS = (64, 32)


def build_model() -> Any:
    """Two hidden layers of rectified linear units."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Rescaling(1 / 16)(inputs))
    for units in _UNITS:
        x = layers.Dense(units, activation="relu")(x)
    return tf.keras.Model(inputs, layers.Dense(10)(x))


register(
    "digits_mlp",
    digits.load,
    build_model,
    data_label=f"{digits.DATA_LABEL}, as vectors",
    batch_size=25,
    epochs=3,
)
