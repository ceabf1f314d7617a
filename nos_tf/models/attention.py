"""Additive attention with weight normalization.

Sources: Bahdanau et al. (2015), "Neural machine translation by jointly learning to align and translate"; Salimans and
Kingma (2016), "Weight normalization".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from nos_tf.models import recurrence

_MASKED = -1e4  # Its exponential is 0 in every floating-point type, and half precision can represent it.


class Memory(NamedTuple):
    """Encoder outputs in the form that a decoder attends to.

    Attributes:
      keys: Projected values plus the bias, `[batch, source, depth]`.
      values: Encoder outputs, `[batch, source, value_depth]`.
      mask: 0 for tokens and a large negative number for padding, `[batch, source]`.
    """

    keys: tf.Tensor
    values: tf.Tensor
    mask: tf.Tensor


class NormalizedAttention(tf.keras.layers.Layer):
    """Additive attention whose score vector is weight-normalized.

    The attention weights are the softmax of
    `scale * v / |v| . tanh(values @ memory_kernel + query @ query_kernel + b)`.

    Args:
      units: Depth of queries, keys and values.
      initializer: Function that returns an initializer; called once for each kernel and for `v`.
      **kwargs: Keyword arguments common to all Keras layers.
    """

    def __init__(self, units: int, initializer: Callable[[], tf.keras.initializers.Initializer], **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.initializer = initializer

    def build(self, input_shape=None) -> None:
        kernel = (self.units, self.units)
        self.memory_kernel = self.add_weight(name="memory_kernel", shape=kernel, initializer=self.initializer())
        self.query_kernel = self.add_weight(name="query_kernel", shape=kernel, initializer=self.initializer())
        self.v = self.add_weight(name="v", shape=(self.units,), initializer=self.initializer())
        self.b = self.add_weight(name="b", shape=(self.units,), initializer="zeros")
        self.scale = self.add_weight(
            name="scale", shape=(), initializer=tf.keras.initializers.Constant(math.sqrt(1 / self.units))
        )
        self.built = True

    def call(self, values: tf.Tensor, is_real: tf.Tensor) -> Memory:
        """Prepares encoder outputs for attention.

        Args:
          values: Encoder outputs, `[batch, source, units]`.
          is_real: True for tokens and False for padding, `[batch, source]`.
        """
        kernel, bias = (tf.cast(weight, values.dtype) for weight in (self.memory_kernel, self.b))
        keys = tf.reshape(tf.matmul(tf.reshape(values, [-1, self.units]), kernel), tf.shape(values)) + bias
        return Memory(
            tf.ensure_shape(keys, values.shape),
            values,
            tf.where(is_real, tf.zeros([], values.dtype), tf.constant(_MASKED, values.dtype)),
        )

    def direction(self, dtype: tf.DType) -> tf.Tensor:
        """Returns the normalized score vector, `scale * v / |v|`, of shape `[units]`."""
        v = tf.cast(self.v, tf.float32)
        return tf.cast(tf.cast(self.scale, tf.float32) * v * tf.math.rsqrt(tf.reduce_sum(v * v)), dtype)

    def attend(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends to each sentence with one or more queries.

        Args:
          queries: Queries, `[batch, queries, units]`.
          memory: Memory of the same batch.

        Returns:
          Contexts, `[batch, queries, units]`, and attention weights, `[batch, queries, source]`.
        """
        kernel = tf.cast(self.query_kernel, queries.dtype)
        projected = tf.reshape(tf.matmul(tf.reshape(queries, [-1, self.units]), kernel), tf.shape(queries))
        weights = recurrence.attention_weights(
            tf.ensure_shape(projected, queries.shape),
            memory.keys[:, None],
            self.direction(queries.dtype),
            memory.mask[:, None],
        )
        return tf.matmul(weights, memory.values), weights
