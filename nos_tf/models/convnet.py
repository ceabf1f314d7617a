"""The paper's child network: two 3x3 convolutions, each followed by ReLU and batch normalization.

Source: Bello et al. (2017), section 5.1. The paper does not specify pooling or the head; here the feature map is
flattened, because after global average pooling the reward of such a short training is pure noise
(docs/results/reward_study.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from nos_tf.models.normalization import synchronized


def build(
    input_shape: Sequence[int], num_classes: int, filters: int = 32, pool: bool = False, scale: float = 1.0
) -> tf.keras.Model:
    """Builds a network that maps images to logits.

    Args:
      input_shape: Height, width and channels.
      num_classes: Number of logits.
      filters: Number of filters in each convolution.
      pool: Whether each convolution is followed by 2x2 max pooling.
      scale: Factor by which the inputs are multiplied, such as 1/255.
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
