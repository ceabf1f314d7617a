"""A small decoder-only transformer.

Sources: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020), "On layer normalization in the
transformer architecture", for normalization before each part.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class LearnedPositions(tf.keras.layers.Layer):
    """Adds a learned vector to each place of a sequence, `[batch, length, width]`."""

    def build(self, input_shape: Any) -> None:
        self.vectors = self.add_weight(name="vectors", shape=tuple(input_shape[1:]), initializer="random_normal")
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs + self.vectors


def build(length: int, symbols: int, width: int, heads: int, blocks: int = 1) -> tf.keras.Model:
    """A new, freshly initialized network from one-hot symbols to the logits of those that follow.

    Args:
      length: Symbols of a sequence.
      symbols: How many different ones there are.
      width: Width of the residual stream.
      heads: Heads of attention, which share the width.
      blocks: Blocks of causal self-attention and a feed-forward layer.
    """
    layers = tf.keras.layers
    inputs = tf.keras.Input((length, symbols))
    x = LearnedPositions()(layers.Dense(width, use_bias=False)(inputs))
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(y, y, use_causal_mask=True)])
        y = layers.Dense(2 * width, activation="relu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    return tf.keras.Model(inputs, layers.Dense(symbols)(x))
