"""The paper's child network: two 3x3 convolutions, each followed by ReLU and batch normalization.

Source: Bello et al. (2017), section 5.1. Pooling and head are not stated there; here the feature map is flattened,
because a global average makes the reward of so short a training pure noise (docs/results/reward_study.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from nos_tf.models.normalization import synchronized


def build(
    input_shape: Sequence[int], num_classes: int, filters: int = 32, pool: bool = False, scale: float = 1.0
) -> tf.keras.Model:
    """A new, freshly initialized network from images to logits.

    Args:
      input_shape: Height, width and channels.
      num_classes: Number of logits.
      filters: Filters of each convolution.
      pool: Whether a 2x2 max-pooling follows each convolution.
      scale: Factor of the raw inputs, such as 1/255.
    """
    layers = tf.keras.layers
    inputs = tf.keras.Input(tuple(input_shape))
    x = layers.Rescaling(scale)(inputs)
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(synchronized=synchronized())(x)
        if pool:
            x = layers.MaxPooling2D()(x)
    return tf.keras.Model(inputs, layers.Dense(num_classes)(layers.Flatten()(x)))
