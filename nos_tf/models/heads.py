"""Loss and metrics of classifiers with one or more heads: the first one classifies, the others only help training.

The output of such a model has the shape `[batch, heads, classes]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


class HeadsCrossEntropy(tf.keras.losses.Loss):
    """Weighted sum of the heads' cross-entropies with label smoothing, averaged over the batch.

    Source: Szegedy et al. (2016), "Rethinking the Inception architecture", section 7, for label smoothing.

    Args:
      weights: Weight of each head's loss.
      label_smoothing: Share of the target distribution that is spread evenly over all classes.
      **kwargs: Keyword arguments common to all Keras losses.
    """

    def __init__(self, weights: Sequence[float], label_smoothing: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self._weights = list(weights)
        self._label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """Computes losses, `[batch]`, from labels, `[batch]`, and logits, `[batch, heads, classes]`."""
        heads, classes = y_pred.shape[1:]
        spread = self._label_smoothing / classes
        targets = tf.one_hot(tf.cast(y_true, tf.int32), classes, 1.0 - self._label_smoothing + spread, spread)
        repeated = tf.repeat(targets[:, None], heads, axis=1)
        losses = tf.nn.softmax_cross_entropy_with_logits(repeated, tf.cast(y_pred, tf.float32))
        return tf.linalg.matvec(losses, tf.constant(self._weights))


def top(k: int) -> tf.keras.metrics.Metric:
    """Returns the metric "top<k>": the share of examples whose label is among the first head's `k` highest logits."""

    def hits(y_true: Any, y_pred: Any) -> tf.Tensor:
        first = tf.cast(y_pred[:, 0], tf.float32)
        return tf.cast(tf.math.in_top_k(tf.cast(tf.reshape(y_true, [-1]), tf.int32), first, k), tf.float32)

    return tf.keras.metrics.MeanMetricWrapper(hits, name=f"top{k}")
