"""Cross-entropy of target sentences with label smoothing."""

from __future__ import annotations

import tensorflow as tf


def token_losses(targets: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Computes the negative log-likelihood of each token.

    Args:
      targets: Token ids of any numeric type, `[batch, target]`, padded with 0.
      logits: Logits, `[batch, target, vocabulary]`.

    Returns:
      Losses, including those of padding, float32; a mask with 1 for tokens and 0 for padding, float32; and the ids,
      int32. All have the shape `[batch, target]`.
    """
    # Keras 3 passes floats to losses and integers to metrics. With the same casts for both, TensorFlow recognizes the
    # common subexpression and computes it only once.
    ids = tf.cast(tf.cast(targets, tf.float32), tf.int32)
    flat_logits = tf.reshape(tf.cast(logits, tf.float32), [-1, logits.shape[-1]])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(ids, [-1]), flat_logits)
    return tf.reshape(losses, tf.shape(ids)), tf.cast(tf.not_equal(ids, 0), tf.float32), ids


class SmoothedCrossEntropy(tf.keras.losses.Loss):
    """Negative log-likelihood of each sentence, summed over its tokens; Keras averages over sentences.

    Unlike a mean over tokens, this loss does not depend on how a batch is split among replicas.

    Sources: Wu et al. (2016), equation 7; Szegedy et al. (2016), section 7, for label smoothing.

    Args:
      smoothing: Share of the target distribution that is spread evenly over the vocabulary.
    """

    def __init__(self, smoothing: float = 0.1):
        super().__init__(reduction="sum_over_batch_size", name="smoothed_cross_entropy")
        self.smoothing = smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Computes losses, `[batch]`, from ids, `[batch, target]`, and logits, `[batch, target, vocabulary]`."""
        losses, is_real, ids = token_losses(y_true, y_pred)
        if self.smoothing:
            losses += self.smoothing * _above_mean(tf.cast(y_pred, tf.float32), ids)
        return tf.reduce_sum(losses * is_real, axis=-1)


def _above_mean(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Returns the difference between the ids' logits and the mean logit."""

    @tf.custom_gradient
    def above_mean(logits: tf.Tensor):
        def gradient(d_result: tf.Tensor) -> tf.Tensor:  # TensorFlow's gradient of gather is many times slower.
            size = tf.shape(logits)[-1]
            share = 1 / tf.cast(size, tf.float32)
            return d_result[..., None] * tf.one_hot(ids, size, 1 - share, -share)

        return tf.gather(logits, ids, batch_dims=2) - tf.reduce_mean(logits, axis=-1), gradient

    return above_mean(logits)
