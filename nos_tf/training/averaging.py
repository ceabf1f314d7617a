"""Evaluation of the weights' running averages beside the weights themselves.

The optimizer keeps the averages (`use_ema`), so a checkpoint holds them. Only what is trained is averaged: batch
normalisation has running statistics of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from nos_tf.optimizers.keras_compat import tf_variables, weight_averages


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
