"""Proximal policy optimization with the clipped surrogate.

Source: Schulman et al. (2017), "Proximal policy optimization algorithms", equation 7; the learner of the 2018 arXiv
version of Bello et al.
"""

from __future__ import annotations

import tensorflow as tf

from nos_tf.controller.learner import FirstOrderLearner, check
from nos_tf.controller.policy import Policy


class PPO(FirstOrderLearner):
    """Several steps of Adam an update on `min(r A, clip(r, 1 - clip, 1 + clip) A)`.

    `r` is a token's probability over its probability before the update, and `A` the advantage of its program.
    """

    def __init__(
        self,
        policy: Policy,
        learning_rate: float = 1e-3,
        epochs: int = 4,
        clip: float = 0.2,
        entropy_weight: float = 0.0015,
        baseline_decay: float = 0.9,
    ):
        """Makes Adam's slots.

        Args:
          policy: What is improved.
          learning_rate: Of Adam. The paper's is 1e-5, for tens of thousands of programs; the default learns from a few
            hundred.
          epochs: Steps on the programs of an update.
          clip: How far from 1 a ratio is still rewarded for going; the default is that of Schulman et al.
          entropy_weight: Bonus for a nat of entropy of a program; the default is the paper's.
          baseline_decay: Weight of the past in the moving average, in [0, 1).
        """
        super().__init__(policy, learning_rate, epochs, entropy_weight, baseline_decay)
        check("clip", clip, 0 < clip < 1, "in (0, 1)")
        self._clip = clip

    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """The clipped surrogate of each token."""
        ratio = tf.exp(log_probs - old_log_probs)
        advantages = advantages[:, tf.newaxis]
        clipped = tf.clip_by_value(ratio, 1 - self._clip, 1 + self._clip)
        return tf.minimum(ratio * advantages, clipped * advantages)
