"""Code shared by the three learners: the baseline, the state, and the terms of their objectives.

The programs of an update are drawn from the current policy or from an earlier one. In the latter case, every ratio of
probabilities uses the probabilities that the tokens had under that earlier policy.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from nos_tf.controller.policy import TOKENS, Policy, chosen, entropy, probabilities
from nos_tf.controller.settings import ControllerSettings, PPOSettings, ReinforceSettings

ADVANTAGES = tf.TensorSpec([None], tf.float32, "advantages")
PROPOSED = tf.TensorSpec([None, None], tf.float32, "proposed")


class Learner(abc.ABC):
    """Improves a policy from rewarded programs.

    The advantage of a program is its reward minus the baseline, an exponential moving average of the mean rewards of
    earlier updates. In the first update, the baseline is that update's own mean. Advantages are not divided by their
    standard deviation, which would amplify the noise of updates in which none of the few programs works.

    Args:
      policy: The policy to improve.
      settings: Entropy weight and decay of the baseline.

    Attributes:
      policy: The policy.
      baseline: Moving average of the rewards.
      updates: Number of updates so far.
    """

    def __init__(self, policy: Policy, settings: ControllerSettings):
        self.policy = policy
        self.baseline = 0.0
        self.updates = 0
        self._entropy_weight = settings.entropy_weight
        self._baseline_decay = settings.baseline_decay

    def update(self, tokens: np.ndarray, rewards: np.ndarray, log_probs: np.ndarray | None = None) -> dict[str, float]:
        """Learns from rewarded programs.

        Args:
          tokens: Token indices, int32 `[batch, length]`.
          rewards: Finite rewards, `[batch]`.
          log_probs: Log-probabilities of the tokens under the policy that each program was drawn from, in nats,
            `[batch, length]`; None if that is the current policy.

        Returns:
          `loss` and `entropy` (in nats per token) before the update, `kl` of the new from the old policy in nats per
          program, and the `baseline` that was used.
        """
        mean = float(np.mean(rewards))
        if self.updates == 0:
            self.baseline = mean
        advantages = np.asarray(rewards, np.float64) - self.baseline
        proposed = np.full(tokens.shape, np.nan) if log_probs is None else log_probs
        metrics = self._improve(
            tf.constant(tokens, tf.int32), tf.constant(advantages, tf.float32), tf.constant(proposed, tf.float32)
        )
        metrics["baseline"] = self.baseline
        self.baseline += (1 - self._baseline_decay) * (mean - self.baseline)
        self.updates += 1
        return metrics

    @abc.abstractmethod
    def _improve(self, tokens: tf.Tensor, advantages: tf.Tensor, proposed: tf.Tensor) -> dict[str, float]:
        """Updates the policy and returns all metrics except the baseline.

        Args:
          tokens: Token indices, int32 `[batch, length]`.
          advantages: Advantages of the programs, `[batch]`.
          proposed: Log-probabilities of the tokens under the policy that proposed them, `[batch, length]`; NaN stands
            for the current policy.
        """

    def _variables(self) -> dict[str, list[tf.Variable]]:
        return {"policy": list(self.policy.weights)}

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next update depends on."""
        state = {"baseline": np.float64(self.baseline), "updates": np.int64(self.updates)}
        for kind, variables in self._variables().items():
            state |= {f"{kind}/{index}": variable.numpy() for index, variable in enumerate(variables)}
        return {name: np.asarray(value) for name, value in state.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Continues from what `state` returned for a learner with the same settings."""
        self.baseline = float(state["baseline"])
        self.updates = int(state["updates"])
        for kind, variables in self._variables().items():
            for index, variable in enumerate(variables):
                variable.assign(state[f"{kind}/{index}"])


class FirstOrderLearner(Learner):
    """A learner that follows the gradient of a loss with Adam.

    Args:
      policy: The policy to improve.
      settings: Learning rate, and the settings shared by all learners.
      epochs: Adam steps per update.
    """

    def __init__(self, policy: Policy, settings: PPOSettings | ReinforceSettings, epochs: int):
        super().__init__(policy, settings)
        self._epochs = epochs
        self._optimizer = tf.keras.optimizers.Adam(settings.learning_rate)
        self._optimizer.build(list(policy.weights))

    @abc.abstractmethod
    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """The objective to maximize.

        Args:
          log_probs: Log-probabilities of the tokens under the current policy, `[batch, length]`.
          old_log_probs: The same under the policy that they were drawn from, as constants.
          advantages: Advantages of the programs, `[batch]`.

        Returns:
          One value per token, `[batch, length]`.
        """

    def loss(self, tokens: tf.Tensor, advantages: tf.Tensor, old_log_probs: tf.Tensor) -> tf.Tensor:
        """`-(surrogate + entropy_weight * entropy)`, summed over tokens and averaged over programs.

        Args:
          tokens: Token indices, int32 `[batch, length]`.
          advantages: Advantages of the programs, `[batch]`.
          old_log_probs: Log-probabilities of the tokens under the policy that they were drawn from, `[batch, length]`.

        Returns:
          A scalar.
        """
        log_softmax = self.policy.log_softmax(tokens)
        gain = self.surrogate(chosen(log_softmax, tokens), old_log_probs, advantages)
        gain += self._entropy_weight * entropy(log_softmax)
        return -tf.reduce_mean(tf.reduce_sum(gain, axis=1))

    def _improve(self, tokens: tf.Tensor, advantages: tf.Tensor, proposed: tf.Tensor) -> dict[str, float]:
        return {name: float(value) for name, value in self._train(tokens, advantages, proposed).items()}

    @tf.function(input_signature=[TOKENS, ADVANTAGES, PROPOSED], autograph=False)
    def _train(self, tokens: tf.Tensor, advantages: tf.Tensor, proposed: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = list(self.policy.weights)
        old_log_softmax = self.policy.log_softmax(tokens)
        old_log_probs = log_probs_when_drawn(proposed, old_log_softmax, tokens)

        def step(epoch: tf.Tensor, first_loss: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                loss = self.loss(tokens, advantages, old_log_probs)
            self._optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return epoch + 1, tf.where(epoch == 0, loss, first_loss)

        _, loss = tf.while_loop(lambda epoch, _: epoch < self._epochs, step, [tf.constant(0), tf.constant(0.0)])
        divergence = mean_kl(old_log_softmax, self.policy.log_softmax(tokens))
        return {"loss": loss, "entropy": tf.reduce_mean(entropy(old_log_softmax)), "kl": divergence}

    def _variables(self) -> dict[str, list[tf.Variable]]:
        return super()._variables() | {"optimizer": list(self._optimizer.variables)}


def log_probs_when_drawn(proposed: tf.Tensor, log_softmax: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Log-probabilities of the tokens when they were drawn: those given or, where these are NaN, the current ones."""
    return tf.where(tf.math.is_nan(proposed), chosen(log_softmax, tokens), proposed)


def mean_kl(old_log_softmax: tf.Tensor, new_log_softmax: tf.Tensor) -> tf.Tensor:
    """Kullback-Leibler divergence of the new from the old policy, KL(old || new), in nats per program.

    By the chain rule, it is the sum of the softmaxes' divergences over the tokens, averaged here over the programs of
    the update, which were drawn from the old policy.

    Args:
      old_log_softmax: Log-softmax of the old policy, `[batch, length, largest vocabulary]`, -infinity where forbidden.
      new_log_softmax: The same for the new policy.
    """
    old, old_log = probabilities(old_log_softmax)
    _, new_log = probabilities(new_log_softmax)
    return tf.reduce_mean(tf.reduce_sum(old * (old_log - new_log), axis=[1, 2]))
