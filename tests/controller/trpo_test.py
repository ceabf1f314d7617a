"""TRPO's Fisher-vector products, against the explicit matrix, and the guarantees of its line search."""

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.controller.settings import TRPOSettings
from nos_tf.controller.trpo import TRPO
from nos_tf.dsl.search_space import SearchSpace
from tests.controller import reference
from tests.controller.reinforce_test import numerical_slopes

REWARDS = np.array([1.0, -0.4, 0.4, 0.1, -0.6])
ADVANTAGES = REWARDS - REWARDS.mean()


def fisher_matrix(space, weights, tokens):
    """Averages `sum_t sum_a p_ta grad(log p_ta) grad(log p_ta)'` over programs, by central differences in float64."""
    size, step = sum(weight.size for weight in weights), 1e-5
    fisher = np.zeros((size, size))
    for row in tokens:
        here = np.concatenate(reference.softmaxes(space, weights, row))
        possible = here > 0
        scores = []
        for direction in np.eye(size):
            ahead, behind = (
                np.concatenate(reference.softmaxes(space, reference.shifted(weights, direction, length), row))[possible]
                for length in (step, -step)
            )
            scores.append((np.log(ahead) - np.log(behind)) / (2 * step))
        fisher += np.array(scores) @ np.diag(here[possible]) @ np.array(scores).T
    return fisher / len(tokens)


@pytest.fixture(scope="module")
def traced():
    space = SearchSpace(1, reference.TINY.operands, ("identity", "sign"), ("+", "*"), frozenset({"different_operands"}))
    learner = TRPO(reference.tiny_policy(space, scale=5.0), TRPOSettings(max_kl=1e-4, damping=0.05, iterations=100))
    return learner, learner.state()


@pytest.fixture
def learner(traced):
    """A learner in its initial state, without tracing it again."""
    learner, initial = traced
    learner.restore(initial)
    return learner


def test_fisher_vector_product_equals_the_explicit_matrix(learner):
    tokens = learner.policy.sample(5, (0, 0))
    fisher = fisher_matrix(learner.policy.space, reference.weights_of(learner.policy), tokens)
    assert np.abs(fisher).max() > 0.01
    for vector in np.random.default_rng(0).normal(size=(5, len(fisher))):
        product = learner.fisher_vector_product(tf.constant(tokens), tf.constant(vector, tf.float32))
        expected = fisher @ vector
        np.testing.assert_allclose(product, expected, atol=1e-4 * np.abs(expected).max())


def test_direction_is_the_damped_natural_gradient(learner):
    """With enough iterations, and a bound so small that the first step is kept, it is (F + damping)^-1 d."""
    weights = reference.weights_of(learner.policy)
    tokens = learner.policy.sample(5, (0, 0))
    on_policy = tf.fill(tokens.shape, np.nan)
    gradient = learner.linearize(tf.constant(tokens), tf.constant(ADVANTAGES, tf.float32), on_policy)[1].numpy()
    fisher = fisher_matrix(learner.policy.space, weights, tokens)
    wanted = np.linalg.solve(fisher + 0.05 * np.eye(gradient.size), gradient)
    learner.update(tokens, REWARDS)
    moved = np.concatenate(
        [(new - old).ravel() for old, new in zip(weights, reference.weights_of(learner.policy), strict=True)]
    )
    assert moved @ wanted / np.linalg.norm(moved) / np.linalg.norm(wanted) > 0.999
    assert gradient @ wanted / np.linalg.norm(gradient) / np.linalg.norm(wanted) < 0.99


def test_ratios_are_relative_to_the_sampling_policy():
    learner = TRPO(reference.tiny_policy(), TRPOSettings(entropy_weight=0.05))
    space, weights = learner.policy.space, reference.weights_of(learner.policy)
    tokens = learner.policy.sample(5, (0, 0))
    rng = np.random.default_rng(1)
    drawn = reference.log_probs(space, weights, tokens) - rng.uniform(-0.5, 0.5, tokens.shape)

    def surrogate(moved):
        ratio = np.exp(reference.log_probs(space, moved, tokens) - drawn)
        return np.mean(np.sum(ratio * ADVANTAGES[:, None] + 0.05 * reference.entropies(space, moved, tokens), axis=1))

    arguments = tf.constant(tokens), tf.constant(ADVANTAGES, tf.float32)
    old_log_softmax, gradient, value, _ = learner.linearize(*arguments, tf.constant(drawn, tf.float32))
    np.testing.assert_allclose(value, surrogate(weights), rtol=1e-4)
    raised, divergence = learner.compare(*arguments, old_log_softmax, tf.constant(drawn, tf.float32))
    np.testing.assert_allclose([raised, divergence], [surrogate(weights), 0.0], rtol=1e-4, atol=1e-6)
    directions = rng.normal(size=(20, gradient.shape[0]))
    slopes = numerical_slopes(surrogate, weights, directions)
    np.testing.assert_allclose(directions @ gradient.numpy(), slopes, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("max_kl", [1e-3, 3.0])
def test_divergence_stays_within_its_bound_and_the_surrogate_increases(max_kl):
    learner = TRPO(reference.tiny_policy(), TRPOSettings(max_kl=max_kl, damping=1e-4, entropy_weight=0.0))
    space, kept = learner.policy.space, 0
    for step in range(8):
        tokens = learner.policy.sample(6, (1, step))
        before = reference.weights_of(learner.policy)
        metrics = learner.update(tokens, (tokens == 0).mean(axis=1))
        advantages = (tokens == 0).mean(axis=1) - metrics["baseline"]
        after = reference.weights_of(learner.policy)
        divergence = reference.divergence(space, before, after, tokens)
        assert divergence <= max_kl * 1.001 + 1e-6
        np.testing.assert_allclose(metrics["kl"], divergence, rtol=0.01, atol=2e-6)
        ratios = np.exp(reference.log_probs(space, after, tokens) - reference.log_probs(space, before, tokens))
        if metrics["kl"]:
            kept += 1
            assert np.mean((ratios - 1).sum(axis=1) * advantages) > -1e-6
    assert kept >= 6
    learner.baseline = 0.5
    assert learner.update(tokens, np.full(6, 0.5))["kl"] == 0
    for new, old in zip(reference.weights_of(learner.policy), after, strict=True):
        np.testing.assert_array_equal(new, old)


def test_a_step_that_never_helps_is_undone(learner, monkeypatch):
    tokens = learner.policy.sample(5, (0, 0))
    before = reference.weights_of(learner.policy)
    tried = []

    def compare(*arguments):
        tried.append(reference.weights_of(learner.policy))
        return tf.constant(-1e9), tf.constant(0.0)

    monkeypatch.setattr(learner, "compare", compare)
    assert learner.update(tokens, REWARDS)["kl"] == 0
    assert len(tried) == 10
    assert any(np.any(new != old) for new, old in zip(tried[0], before, strict=True))
    for new, old in zip(reference.weights_of(learner.policy), before, strict=True):
        np.testing.assert_array_equal(new, old)
