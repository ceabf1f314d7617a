"""REINFORCE's gradient against finite differences, and its step against hand-computed Adam."""

import numpy as np
import tensorflow as tf

from nos_tf.controller.reinforce import Reinforce
from nos_tf.controller.settings import ReinforceSettings
from tests.controller import reference

ADVANTAGES = np.array([1.0, -0.5, 0.3, 0.0, -0.8])


def flat_gradient(learner, tokens, advantages, old_log_probs):
    with tf.GradientTape() as tape:
        loss = learner.loss(
            tf.constant(tokens), tf.constant(advantages, tf.float32), tf.constant(old_log_probs, tf.float32)
        )
    return np.concatenate([tf.reshape(g, [-1]) for g in tape.gradient(loss, list(learner.policy.weights))])


def numerical_slopes(loss, weights, directions):
    """Returns central differences of a loss along directions in the space of the weights."""
    step = 1e-5
    return [
        (loss(reference.shifted(weights, d, step)) - loss(reference.shifted(weights, d, -step))) / (2 * step)
        for d in directions
    ]


def test_gradient_equals_finite_differences_in_float64():
    learner = Reinforce(reference.tiny_policy(), ReinforceSettings(entropy_weight=0.05))
    space, weights = learner.policy.space, reference.weights_of(learner.policy)
    tokens = learner.policy.sample(5, (0, 0))

    def loss(moved):
        score = reference.log_probs(space, moved, tokens).sum(axis=1) * ADVANTAGES
        return -np.mean(score + 0.05 * reference.entropies(space, moved, tokens).sum(axis=1))

    gradient = flat_gradient(learner, tokens, ADVANTAGES, np.zeros(tokens.shape))
    directions = np.random.default_rng(0).normal(size=(20, gradient.size))
    np.testing.assert_allclose(directions @ gradient, numerical_slopes(loss, weights, directions), rtol=1e-3, atol=1e-4)


def test_first_update_is_adams_first_step():
    learner = Reinforce(reference.tiny_policy(), ReinforceSettings(learning_rate=0.01))
    tokens = learner.policy.sample(5, (0, 0))
    rewards = ADVANTAGES - ADVANTAGES.mean() + 3
    gradient = flat_gradient(learner, tokens, rewards - 3, np.zeros(tokens.shape))
    before = np.concatenate([weight.ravel() for weight in reference.weights_of(learner.policy)])
    learner.update(tokens, rewards)
    after = np.concatenate([weight.ravel() for weight in reference.weights_of(learner.policy)])
    large = np.abs(gradient) > 1e-3
    assert large.sum() > 20
    np.testing.assert_allclose((after - before)[large], -0.01 * np.sign(gradient[large]), rtol=1e-2)
