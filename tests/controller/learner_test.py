"""What all learners share: baseline, entropy bonus, metrics, state and errors."""

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.controller.learner import mean_kl
from nos_tf.controller.ppo import PPO
from nos_tf.controller.reinforce import Reinforce
from nos_tf.controller.settings import PPOSettings, ReinforceSettings, TRPOSettings
from nos_tf.controller.trpo import TRPO
from tests.controller import reference

LEARNERS = [(Reinforce, ReinforceSettings), (PPO, PPOSettings), (TRPO, TRPOSettings)]


@pytest.fixture(scope="module", params=LEARNERS, ids=lambda kinds: kinds[0].__name__)
def traced(request):
    kind, settings = request.param
    learner = kind(reference.tiny_policy(scale=20.0), settings(entropy_weight=0.5, baseline_decay=0.75))
    return learner, learner.state()


@pytest.fixture
def learner(traced):
    """A learner in its initial state, without tracing it again."""
    learner, initial = traced
    learner.restore(initial)
    return learner


def test_baseline_is_a_moving_average_of_earlier_batches(learner):
    tokens = learner.policy.sample(2, (0, 0))
    used = [learner.update(tokens, np.array(rewards))["baseline"] for rewards in ([1.0, 3.0], [6.0, 10.0], [0.0, 0.0])]
    # The mean of the first batch itself, then 0.75 * 2 + 0.25 * 2, then 0.75 * 2 + 0.25 * 8.
    np.testing.assert_allclose(used, [2.0, 2.0, 3.5])


def test_with_equal_rewards_only_the_entropy_bonus_remains(learner):
    before = learner.policy.log_probs(tf.constant(learner.policy.sample(500, (1, 0))))[1]
    for step in range(12):
        learner.update(learner.policy.sample(20, (0, step)), np.full(20, 0.7))
    after = learner.policy.log_probs(tf.constant(learner.policy.sample(500, (1, 0))))[1]
    assert np.mean(after) > np.mean(before) + 0.01


def test_metrics_equal_the_numpy_controller(learner):
    tokens = learner.policy.sample(5, (0, 0))
    rewards = np.array([0.0, 1.0, 0.0, 0.5, 0.2])
    before = reference.weights_of(learner.policy)
    metrics = learner.update(tokens, rewards)
    after = reference.weights_of(learner.policy)
    entropies = reference.entropies(reference.TINY, before, tokens)
    np.testing.assert_allclose(metrics["entropy"], entropies.mean(), rtol=1e-4)
    divergence = reference.divergence(reference.TINY, before, after, tokens)
    assert divergence > 0
    np.testing.assert_allclose(metrics["kl"], divergence, rtol=0.01, atol=2e-6)
    log_probs = reference.log_probs(reference.TINY, before, tokens)
    scores = log_probs if isinstance(learner, Reinforce) else np.ones_like(log_probs)  # The ratio to itself is 1.
    loss = -np.mean((scores * (rewards - rewards.mean())[:, None] + 0.5 * entropies).sum(axis=1))
    np.testing.assert_allclose(metrics["loss"], loss, rtol=1e-4, atol=1e-5)


def test_a_restored_learner_continues_bit_for_bit(learner):
    def advance():
        metrics = []
        for index in range(3):
            tokens = learner.policy.sample(4, (7, index))
            metrics.append(learner.update(tokens, (tokens == 0).mean(axis=1)))
        return metrics, learner.state()

    advance()
    stored = learner.state()
    metrics, state = advance()
    learner.restore(stored)
    again, state_again = advance()
    assert metrics == again
    for name, array in state.items():
        assert array.dtype != object
        np.testing.assert_array_equal(array, state_again[name], err_msg=name)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (Reinforce, {"learning_rate": 0.0}),
        (Reinforce, {"entropy_weight": -1.0}),
        (TRPO, {"baseline_decay": 1.0}),
        (PPO, {"learning_rate": float("nan")}),
        (PPO, {"epochs": 0}),
        (PPO, {"clip": 1.5}),
        (TRPO, {"max_kl": 0.0}),
        (TRPO, {"damping": -0.1}),
        (TRPO, {"iterations": 0}),
        (TRPO, {"halvings": 0}),
    ],
)
def test_settings_out_of_range_are_refused(kind, setting):
    (name,) = setting
    with pytest.raises(ValueError, match=f"{name} must be .* Received: {name}="):
        dict(LEARNERS)[kind](**setting)


def test_mean_kl_of_known_distributions():
    old = np.log([[[0.5, 0.5, 1e-300]], [[0.9, 0.1, 1e-300]]])
    old[..., 2] = -np.inf
    new = np.log([[[0.25, 0.75, 1.0]], [[0.9, 0.1, 1.0]]])
    new[..., 2] = -np.inf
    expected = (0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)) / 2
    np.testing.assert_allclose(mean_kl(tf.constant(old, tf.float32), tf.constant(new, tf.float32)), expected, rtol=1e-5)
