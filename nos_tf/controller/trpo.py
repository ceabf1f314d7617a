"""Trust region policy optimization: a natural-gradient step whose divergence from the old policy is bounded.

Source: Schulman et al. (2015), "Trust region policy optimization", section 6 and appendix C; the learner of the ICML
version of Bello et al. (2017).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy.sparse import linalg

from nos_tf.controller.learner import ADVANTAGES, PROPOSED, Learner, log_probs_when_drawn, mean_kl
from nos_tf.controller.policy import TOKENS, Policy, chosen, entropy
from nos_tf.controller.settings import TRPOSettings

Vector = np.ndarray  # All weights of the policy, concatenated.


class TRPO(Learner):
    """One step per update, which raises the surrogate as far as `KL(old || new) <= max_kl` allows.

    The surrogate is `mean_i sum_t (r_it A_i + entropy_weight * entropy_it)`, where `r` is a token's probability divided
    by its probability when it was drawn. With its gradient `d` and `H = F + damping`, where `F` is the Fisher matrix,
    conjugate gradient solves `H x = d`. The step starts at `sqrt(2 max_kl / x'Hx) x` and is halved until the divergence
    is within its bound and the surrogate rises. If that never happens, the policy is left unchanged.

    Args:
      policy: The policy to improve.
      settings: Bound on a step, damping, and the effort of the two solvers.
    """

    def __init__(self, policy: Policy, settings: TRPOSettings):
        super().__init__(policy, settings)
        self._settings = settings

    def _improve(self, tokens: tf.Tensor, advantages: tf.Tensor, proposed: tf.Tensor) -> dict[str, float]:
        old_log_softmax, gradient, surrogate, mean_entropy = self.linearize(tokens, advantages, proposed)
        metrics = {"loss": -float(surrogate), "entropy": float(mean_entropy), "kl": 0.0}
        gradient = gradient.numpy()

        def damped_fisher(vector: Vector) -> Vector:
            return self.fisher_vector_product(tokens, vector).numpy() + self._settings.damping * vector

        matrix = linalg.LinearOperator((gradient.size, gradient.size), damped_fisher, dtype=gradient.dtype)
        smallest = np.finfo(gradient.dtype).tiny
        direction, _ = linalg.cg(matrix, gradient, rtol=0.0, atol=smallest, maxiter=self._settings.iterations)
        curvature = float(direction @ damped_fisher(direction))
        if not curvature > 0:
            return metrics
        start = self._flat()
        step = np.sqrt(2 * self._settings.max_kl / curvature) * direction
        for halving in range(self._settings.halvings):
            self._assign(start + np.float32(0.5**halving) * step)
            raised, divergence = self.compare(tokens, advantages, old_log_softmax, proposed)
            if float(divergence) <= self._settings.max_kl and float(raised) > float(surrogate):
                return metrics | {"kl": float(divergence)}
        self._assign(start)
        return metrics

    @tf.function(input_signature=[TOKENS, ADVANTAGES, PROPOSED], autograph=False)
    def linearize(
        self, tokens: tf.Tensor, advantages: tf.Tensor, proposed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Log-softmax of the old policy, gradient and value of the surrogate there, and mean entropy of a token."""
        weights = list(self.policy.weights)
        with tf.GradientTape() as tape:
            log_softmax = self.policy.log_softmax(tokens)
            old_log_probs = log_probs_when_drawn(proposed, tf.stop_gradient(log_softmax), tokens)
            surrogate = self._surrogate(tokens, advantages, log_softmax, old_log_probs)
        mean_entropy = tf.reduce_mean(entropy(log_softmax))
        return log_softmax, _flatten(tape.gradient(surrogate, weights)), surrogate, mean_entropy

    @tf.function(input_signature=[TOKENS, tf.TensorSpec([None], tf.float32, "vector")], autograph=False)
    def fisher_vector_product(self, tokens: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
        """Product of the Fisher matrix and a vector, both over all weights of the policy.

        The matrix is the Hessian of the divergence from the current policy, averaged over the given programs. It is
        never built: differentiating the dot product of the divergence's gradient and the vector gives the result.
        """
        weights = list(self.policy.weights)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                log_softmax = self.policy.log_softmax(tokens)
                divergence = mean_kl(tf.stop_gradient(log_softmax), log_softmax)
            slope = tf.tensordot(_flatten(inner.gradient(divergence, weights)), vector, 1)
        return _flatten(outer.gradient(slope, weights))

    @tf.function(
        input_signature=[
            TOKENS, ADVANTAGES, tf.TensorSpec([None, None, None], tf.float32, "old_log_softmax"), PROPOSED
        ],
        autograph=False,
    )  # fmt: skip
    def compare(
        self, tokens: tf.Tensor, advantages: tf.Tensor, old_log_softmax: tf.Tensor, proposed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Surrogate of the current policy, and its divergence from the old one."""
        log_softmax = self.policy.log_softmax(tokens)
        old_log_probs = log_probs_when_drawn(proposed, old_log_softmax, tokens)
        surrogate = self._surrogate(tokens, advantages, log_softmax, old_log_probs)
        return surrogate, mean_kl(old_log_softmax, log_softmax)

    def _surrogate(
        self, tokens: tf.Tensor, advantages: tf.Tensor, log_softmax: tf.Tensor, old_log_probs: tf.Tensor
    ) -> tf.Tensor:
        log_ratio = chosen(log_softmax, tokens) - old_log_probs
        gain = tf.exp(log_ratio) * advantages[:, tf.newaxis]
        gain += self._entropy_weight * entropy(log_softmax)
        return tf.reduce_mean(tf.reduce_sum(gain, axis=1))

    def _flat(self) -> Vector:
        return np.concatenate([weight.numpy().ravel() for weight in self.policy.weights])

    def _assign(self, vector: Vector) -> None:
        for weight in self.policy.weights:
            weight.assign(vector[: weight.shape.num_elements()].reshape(weight.shape))
            vector = vector[weight.shape.num_elements() :]


def _flatten(tensors: list[tf.Tensor]) -> tf.Tensor:
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
