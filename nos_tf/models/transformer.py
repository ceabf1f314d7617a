"""A small decoder-only transformer.

Sources: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020), "On layer normalization in the
transformer architecture", for layer normalization before each sublayer.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class LearnedPositions(tf.keras.layers.Layer):
    """Adds a learned embedding to each position of a sequence, `[batch, length, width]`."""

    def build(self, input_shape: Any) -> None:
        self.vectors = self.add_weight(name="vectors", shape=tuple(input_shape[1:]), initializer="random_normal")
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs + self.vectors


def build(length: int, symbols: int, width: int, heads: int, blocks: int = 1) -> tf.keras.Model:
    """Builds a network that maps one-hot symbols to the logits of the next symbol at each position.

    Args:
      length: Length of a sequence.
      symbols: Number of different symbols.
      width: Width of the residual stream.
      heads: Number of attention heads, which divide the width among them.
      blocks: Number of blocks, each of causal self-attention and a feed-forward network.
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
