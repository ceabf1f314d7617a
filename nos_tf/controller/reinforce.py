"""REINFORCE with a moving-average baseline and an entropy bonus.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning";
Bello et al. (2017) name it as what TRPO and PPO were chosen over.
"""

from __future__ import annotations

import tensorflow as tf

from nos_tf.controller.learner import FirstOrderLearner
from nos_tf.controller.policy import Policy


class Reinforce(FirstOrderLearner):
    """One step of Adam an update along `mean_i advantage_i grad log p(program_i)`."""

    def __init__(
        self,
        policy: Policy,
        learning_rate: float = 4e-3,
        entropy_weight: float = 0.0015,
        baseline_decay: float = 0.9,
    ):
        """Makes Adam's slots.

        Args:
          policy: What is improved.
          learning_rate: Of Adam. The paper's is 1e-5, for tens of thousands of programs; the default learns from a few
            hundred.
          entropy_weight: Bonus for a nat of entropy of a program; the default is the paper's.
          baseline_decay: Weight of the past in the moving average, in [0, 1).
        """
        super().__init__(policy, learning_rate, epochs=1, entropy_weight=entropy_weight, baseline_decay=baseline_decay)

    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """The logarithm of each token's probability, times the advantage of its program."""
        return log_probs * advantages[:, tf.newaxis]
