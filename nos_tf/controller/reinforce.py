"""REINFORCE with a moving-average baseline and an entropy bonus.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning";
Bello et al. (2017) name it as what TRPO and PPO were chosen over.
"""

from __future__ import annotations

import tensorflow as tf

from nos_tf.controller.learner import FirstOrderLearner
from nos_tf.controller.policy import Policy
from nos_tf.controller.settings import ReinforceSettings


class Reinforce(FirstOrderLearner):
    """One step of Adam per update along `mean_i advantage_i grad log p(program_i)`.

    Programs of an earlier policy count as those of the policy as it stands.

    Args:
      policy: The policy to improve.
      settings: The learning rate, and what all learners share.
    """

    def __init__(self, policy: Policy, settings: ReinforceSettings):
        super().__init__(policy, settings, epochs=1)

    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """The logarithm of each token's probability, times the advantage of its program."""
        return log_probs * advantages[:, tf.newaxis]
