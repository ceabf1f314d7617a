"""Loss and metrics of classifiers with one head or more: the first one classifies, the others only help to train.

Such a model's output is `[batch, heads, classes]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


class HeadsCrossEntropy(tf.keras.losses.Loss):
    """Sum over heads of weight times cross-entropy, against labels that are smoothed.

    Source of label smoothing: Szegedy et al. (2016), "Rethinking the Inception architecture", section 7.
    """

    def __init__(self, weights: Sequence[float], label_smoothing: float = 0.0, **kwargs: Any):
        """Keras takes the mean over the batch.

        Args:
          weights: One a head.
          label_smoothing: Share of the target that all classes get in equal parts.
          **kwargs: Of every Keras loss.
        """
        super().__init__(**kwargs)
        self._weights = list(weights)
        self._label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """Losses `[batch]` of labels `[batch]` and logits `[batch, heads, classes]`."""
        heads, classes = y_pred.shape[1:]
        spread = self._label_smoothing / classes
        targets = tf.one_hot(tf.cast(y_true, tf.int32), classes, 1.0 - self._label_smoothing + spread, spread)
        repeated = tf.repeat(targets[:, None], heads, axis=1)
        losses = tf.nn.softmax_cross_entropy_with_logits(repeated, tf.cast(y_pred, tf.float32))
        return tf.linalg.matvec(losses, tf.constant(self._weights))


def top(k: int) -> tf.keras.metrics.Metric:
    """Share of the examples whose label is among the first head's `k` highest logits, as metric "top<k>"."""

    def hits(y_true: Any, y_pred: Any) -> tf.Tensor:
        first = tf.cast(y_pred[:, 0], tf.float32)
        return tf.cast(tf.math.in_top_k(tf.cast(tf.reshape(y_true, [-1]), tf.int32), first, k), tf.float32)

    return tf.keras.metrics.MeanMetricWrapper(hits, name=f"top{k}")
