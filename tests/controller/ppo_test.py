"""PPO's clipped surrogate, against hand-computed values, finite differences and REINFORCE."""

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.controller.ppo import PPO
from nos_tf.controller.reinforce import Reinforce
from nos_tf.controller.settings import PPOSettings, ReinforceSettings
from tests.controller import reference
from tests.controller.reinforce_test import ADVANTAGES, flat_gradient, numerical_slopes


def test_clipped_surrogate_by_hand():
    learner = PPO(reference.tiny_policy(), PPOSettings(clip=0.2))
    ratios = tf.Variable([[0.5, 0.9, 1.1, 1.5]] * 2)
    with tf.GradientTape() as tape:
        value = learner.surrogate(tf.math.log(ratios), tf.zeros([2, 4]), tf.constant([1.0, -1.0]))
    np.testing.assert_allclose(value, [[0.5, 0.9, 1.1, 1.2], [-0.8, -0.9, -1.1, -1.5]], rtol=1e-6)
    # There is no gradient where the ratio has already passed the clip in the direction of the advantage.
    np.testing.assert_allclose(tape.gradient(value, ratios), [[1, 1, 1, 0], [0, -1, -1, -1]], rtol=1e-6)


def test_gradient_of_the_first_epoch_is_that_of_reinforce():
    ppo, reinforce = (
        PPO(reference.tiny_policy(), PPOSettings()),
        Reinforce(reference.tiny_policy(), ReinforceSettings()),
    )
    tokens = ppo.policy.sample(5, (0, 0))
    old = ppo.policy.log_probs(tf.constant(tokens))[0]
    first = flat_gradient(ppo, tokens, ADVANTAGES, old)
    np.testing.assert_allclose(first, flat_gradient(reinforce, tokens, ADVANTAGES, old), rtol=1e-4, atol=1e-6)
    assert np.abs(first).max() > 0.01


def test_gradient_away_from_the_old_policy_equals_finite_differences_in_float64():
    learner = PPO(reference.tiny_policy(), PPOSettings(clip=0.2, entropy_weight=0.05))
    space, weights = learner.policy.space, reference.weights_of(learner.policy)
    tokens = learner.policy.sample(5, (0, 0))
    rng = np.random.default_rng(1)
    old = reference.log_probs(space, weights, tokens) - rng.uniform(-0.5, 0.5, tokens.shape)

    def loss(moved):
        ratio = np.exp(reference.log_probs(space, moved, tokens) - old)
        gain = np.minimum(ratio * ADVANTAGES[:, None], np.clip(ratio, 0.8, 1.2) * ADVANTAGES[:, None])
        return -np.mean(np.sum(gain + 0.05 * reference.entropies(space, moved, tokens), axis=1))

    gradient = flat_gradient(learner, tokens, ADVANTAGES, old)
    directions = rng.normal(size=(20, gradient.size))
    np.testing.assert_allclose(directions @ gradient, numerical_slopes(loss, weights, directions), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("late", [False, True])
def test_an_update_takes_several_adam_steps_on_the_loss(late):
    ppo, twin = (
        PPO(reference.tiny_policy(), PPOSettings(learning_rate=0.01, epochs=3)),
        PPO(reference.tiny_policy(), PPOSettings()),
    )
    tokens = ppo.policy.sample(5, (0, 0))
    rewards = ADVANTAGES - ADVANTAGES.mean() + 0.5
    adam = tf.keras.optimizers.Adam(0.01)
    weights = list(twin.policy.weights)
    old = twin.policy.log_probs(tf.constant(tokens))[0]
    if late:
        old -= np.random.default_rng(1).uniform(-0.5, 0.5, tokens.shape).astype(np.float32)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = twin.loss(tf.constant(tokens), tf.constant(rewards - 0.5, tf.float32), old)
        adam.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    start = reference.weights_of(ppo.policy)
    ppo.update(tokens, rewards, old.numpy() if late else None)
    for before, after, wanted in zip(start, reference.weights_of(ppo.policy), weights, strict=True):
        np.testing.assert_allclose(after - before, wanted.numpy() - before, atol=3e-4)
        assert np.abs(after - before).max() > 0.02
