"""Cross-entropy of target sentences, with label smoothing."""

from __future__ import annotations

import tensorflow as tf


def token_losses(targets: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Negative log-likelihood of each token.

    Args:
      targets: Ids, `[batch, target]`, with padding 0; as numbers of any type.
      logits: `[batch, target, vocabulary]`.

    Returns:
      Losses, also of padding, and 1 for real tokens and 0 for padding, both float32; ids as integers;
      each `[batch, target]`.
    """
    # Keras 3 hands floats to a loss and integers to a metric. The same casts for both let TensorFlow see that both
    # need the same numbers, and compute them once.
    ids = tf.cast(tf.cast(targets, tf.float32), tf.int32)
    flat_logits = tf.reshape(tf.cast(logits, tf.float32), [-1, logits.shape[-1]])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(ids, [-1]), flat_logits)
    return tf.reshape(losses, tf.shape(ids)), tf.cast(tf.not_equal(ids, 0), tf.float32), ids


class SmoothedCrossEntropy(tf.keras.losses.Loss):
    """Negative log-likelihood of a sentence, the sum over its tokens; the mean over sentences is left to Keras.

    So the loss of a batch is the same however replicas split it, which a mean over tokens is not.
    Source: Wu et al. (2016), equation 7; label smoothing: Szegedy et al. (2016), section 7.

    Args:
      smoothing: Share of the target distribution that is spread evenly over the vocabulary.
    """

    def __init__(self, smoothing: float = 0.1):
        super().__init__(reduction="sum_over_batch_size", name="smoothed_cross_entropy")
        self.smoothing = smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Losses, `[batch]`, of ids, `[batch, target]`, and logits, `[batch, target, vocabulary]`."""
        losses, is_real, ids = token_losses(y_true, y_pred)
        if self.smoothing:
            losses += self.smoothing * _above_mean(tf.cast(y_pred, tf.float32), ids)
        return tf.reduce_sum(losses * is_real, axis=-1)


def _above_mean(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """By how much the ids' logits lie above the mean logit."""

    @tf.custom_gradient
    def above_mean(logits: tf.Tensor):
        def gradient(d_result: tf.Tensor) -> tf.Tensor:  # TensorFlow's own for gather is many times slower.
            size = tf.shape(logits)[-1]
            share = 1 / tf.cast(size, tf.float32)
            return d_result[..., None] * tf.one_hot(ids, size, 1 - share, -share)

        return tf.gather(logits, ids, batch_dims=2) - tf.reduce_mean(logits, axis=-1), gradient

    return above_mean(logits)
