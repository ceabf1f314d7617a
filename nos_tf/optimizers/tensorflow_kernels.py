"""TensorFlow kernels that do in one operation what would otherwise take many; other backends do without."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_PHILOX = 1  # TensorFlow's number for the algorithm.


def random_bits(size: int, key: tf.Tensor, stream: int | tf.Tensor) -> tf.Tensor:
    """The words of `philox4x32` for the counters `(0, 0, stream, 0)`, `(1, 0, stream, 0)` and so on.

    Args:
      size: Number of words.
      key: Key from `random_key`.
      stream: Third word of the counter, an integer or a scalar.

    Returns:
      uint32 of shape `[size]`.
    """
    counter = tf.stack([tf.constant(0, tf.uint64), tf.cast(stream, tf.uint64)])
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[size], key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
    )


def random_key(low: Any, high: Any) -> tf.Tensor:
    """Two words as the kind of key that the kernel takes, uint64 of shape `[1]`."""
    key = tf.cast(high, tf.int64) * 2**32 + tf.cast(low, tf.int64)
    return tf.reshape(tf.bitcast(key, tf.uint64), [1])


def power_sign(weights: tf.Variable, average: tf.Variable, rate: tf.Tensor, **arguments: Any) -> None:
    """Performs one step of PowerSign in place; `arguments` are those of `ResourceApplyPowerSign`."""
    tf.raw_ops.ResourceApplyPowerSign(var=weights.handle, m=average.handle, lr=rate, **arguments)


def add_sign(weights: tf.Variable, average: tf.Variable, rate: tf.Tensor, **arguments: Any) -> None:
    """Performs one step of AddSign in place; `arguments` are those of `ResourceApplyAddSign`."""
    tf.raw_ops.ResourceApplyAddSign(var=weights.handle, m=average.handle, lr=rate, **arguments)


def descend(weights: tf.Variable, gradient: tf.IndexedSlices, rate: tf.Tensor) -> None:
    """`w <- w - rate * g` for only the rows of a sparse gradient; repeated rows add up."""
    values = tf.cast(rate, weights.dtype) * tf.cast(gradient.values, weights.dtype)
    weights.scatter_sub(tf.IndexedSlices(values, gradient.indices))
