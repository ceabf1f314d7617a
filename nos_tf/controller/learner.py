"""What the three learners share: the baseline, the state, and the terms of their objectives.

The programs of an update were drawn from the policy as it stands before the update, or from an earlier one: then the
probabilities that their tokens had there take the place of those before the update in every ratio of probabilities.
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
    earlier updates. In the first update it is that update's own mean. Advantages are not divided by their standard
    deviation: with the few programs of an update it would blow up the noise of those in which nothing works.

    Args:
      policy: The policy to improve.
      settings: Weight of the entropy and decay of the baseline.

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
            `[batch, length]`; None if that is the policy as it stands.

        Returns:
          `loss` before the update, `entropy` in nats a token before it, `kl` of the new from the old policy in nats a
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
        """Changes the policy; returns all metrics but the baseline.

        Args:
          tokens: Token indices, int32 `[batch, length]`.
          advantages: Of the programs, `[batch]`.
          proposed: Log-probabilities of the tokens where they were drawn, `[batch, length]`; NaN stands for the policy
            as it is.
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
        """Continues from what `state` returned, of a learner of the same settings."""
        self.baseline = float(state["baseline"])
        self.updates = int(state["updates"])
        for kind, variables in self._variables().items():
            for index, variable in enumerate(variables):
                variable.assign(state[f"{kind}/{index}"])


class FirstOrderLearner(Learner):
    """A learner that follows the gradient of a loss with Adam.

    Args:
      policy: The policy to improve.
      settings: The learning rate, and what all learners share.
      epochs: Steps of Adam on the programs of an update.
    """

    def __init__(self, policy: Policy, settings: PPOSettings | ReinforceSettings, epochs: int):
        super().__init__(policy, settings)
        self._epochs = epochs
        self._optimizer = tf.keras.optimizers.Adam(settings.learning_rate)
        self._optimizer.build(list(policy.weights))

    @abc.abstractmethod
    def surrogate(self, log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
        """What to raise.

        Args:
          log_probs: Of the tokens under the policy as it is, `[batch, length]`.
          old_log_probs: The same where the programs were drawn, as constants.
          advantages: Of the programs, `[batch]`.

        Returns:
          A value for each token, `[batch, length]`.
        """

    def loss(self, tokens: tf.Tensor, advantages: tf.Tensor, old_log_probs: tf.Tensor) -> tf.Tensor:
        """`-(surrogate + entropy_weight * entropy)`, summed over tokens and averaged over programs.

        Args:
          tokens: Token indices, int32 `[batch, length]`.
          advantages: Of the programs, `[batch]`.
          old_log_probs: Of the tokens where they were drawn, `[batch, length]`.

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
        old_log_probs = where_drawn(proposed, old_log_softmax, tokens)

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


def where_drawn(proposed: tf.Tensor, log_softmax: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Log-probabilities of the tokens where they were drawn: as given, or where that is NaN by the policy as it is."""
    return tf.where(tf.math.is_nan(proposed), chosen(log_softmax, tokens), proposed)


def mean_kl(old_log_softmax: tf.Tensor, new_log_softmax: tf.Tensor) -> tf.Tensor:
    """Kullback-Leibler divergence of the new from the old policy, KL(old || new), in nats a program.

    By the chain rule it is the sum over the tokens of the softmaxes' divergences, here averaged over the programs of
    the update, which were drawn from the old policy.

    Args:
      old_log_softmax: Of the old policy, `[batch, length, largest vocabulary]`, -infinity where forbidden.
      new_log_softmax: Of the new one.
    """
    old, old_log = probabilities(old_log_softmax)
    _, new_log = probabilities(new_log_softmax)
    return tf.reduce_mean(tf.reduce_sum(old * (old_log - new_log), axis=[1, 2]))
