"""Proximal policy optimization with the clipped surrogate.

Source: Schulman et al. (2017), "Proximal policy optimization algorithms", equation 7; the learner of the 2018 arXiv
version of Bello et al.
"""

from __future__ import annotations

import tensorflow as tf

from nos_tf.controller.learner import FirstOrderLearner
from nos_tf.controller.policy import Policy
from nos_tf.controller.settings import PPOSettings


class PPO(FirstOrderLearner):
    """Several Adam steps per update on `min(r A, clip(r, 1 - clip, 1 + clip) A)`.

    `r` is a token's probability divided by its probability when it was drawn, and `A` is its program's advantage.

    Args:
      policy: The policy to improve.
      settings: Learning rate, steps per update and clipping range.
    """

    def __init__(self, policy: Policy, settings: PPOSettings):
        super().__init__(policy, settings, settings.epochs)
        self._clip = settings.clip

    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """The clipped surrogate of each token."""
        ratio = tf.exp(log_probs - old_log_probs)
        advantages = advantages[:, tf.newaxis]
        clipped = tf.clip_by_value(ratio, 1 - self._clip, 1 + self._clip)
        return tf.minimum(ratio * advantages, clipped * advantages)
