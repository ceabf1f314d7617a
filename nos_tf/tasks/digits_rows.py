"""The digits, read row by row by a recurrent network: the same images as `digits`, but a different kind of child."""

from __future__ import annotations

from typing import Any

from nos_tf.tasks import digits
from nos_tf.tasks.task import register

_UNITS = 32


def build_model() -> Any:
    """A gated recurrent unit over the eight rows of an image, with a linear layer on its last state."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((8, 8, 1))
    rows = layers.Reshape((8, 8))(layers.Rescaling(1 / 16)(inputs))
    return tf.keras.Model(inputs, layers.Dense(10)(layers.GRU(_UNITS, unroll=True)(rows)))


for name, batch_size, epochs in (
    ("digits_rows", 50, 5),
    ("digits_recurrent", 20, 3),  # Small batches, so that a sweep's one epoch is enough to tell its rates apart.
):
    register(
        name,
        digits.load,
        build_model,
        data_label=f"{digits.DATA_LABEL}, row by row",
        batch_size=batch_size,
        epochs=epochs,
    )
