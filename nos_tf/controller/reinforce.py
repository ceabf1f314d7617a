"""REINFORCE with a moving-average baseline and an entropy bonus.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning";
Bello et al. (2017) chose TRPO and PPO over it.
"""

from __future__ import annotations

import tensorflow as tf

from nos_tf.controller.learner import FirstOrderLearner
from nos_tf.controller.policy import Policy
from nos_tf.controller.settings import ReinforceSettings


class Reinforce(FirstOrderLearner):
    """One Adam step per update along `mean_i advantage_i grad log p(program_i)`.

    Programs from an earlier policy are treated as if they came from the current one.

    Args:
      policy: The policy to improve.
      settings: Learning rate, and the settings shared by all learners.
    """

    def __init__(self, policy: Policy, settings: ReinforceSettings):
        super().__init__(policy, settings, epochs=1)

    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """Log-probability of each token times the advantage of its program."""
        return log_probs * advantages[:, tf.newaxis]
