"""The controller's distribution, against an independent implementation, enumeration and its own samples."""

import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from nos_tf.controller.policy import Policy, chosen
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from tests.controller import reference

CONSTRAINT_SETS = [chosen for size in range(4) for chosen in itertools.combinations(CONSTRAINTS, size)]


def meets(space: SearchSpace, tokens: tuple[int, ...]) -> bool:
    """Checks the three constraints, spelled out in terms of token names."""
    names = [space.vocabulary(position)[index] for position, index in enumerate(tokens)]
    groups = [names[start : start + 5] for start in range(0, len(names), 5)]
    if "different_operands" in space.constraints and any(group[0] == group[1] for group in groups):
        return False
    if "no_final_addition" in space.constraints and groups[-1][4] == "+":
        return False
    earlier = {"b1", "b2", "b3"}
    return not (
        "reuse_groups" in space.constraints and any(not earlier.intersection(group[:2]) for group in groups[1:])
    )


@pytest.mark.parametrize("constraints", CONSTRAINT_SETS)
def test_probabilities_sum_to_one_and_forbidden_programs_have_none(constraints):
    space = reference.tiny_space(*constraints)
    policy = reference.tiny_policy(space)
    tokens = list(reference.all_tokens(space))
    allowed = np.array([meets(space, row) for row in tokens])
    assert allowed.sum() == space.size
    log_probs = chosen(policy.log_softmax(tf.constant(tokens, tf.int32)), tokens).numpy().sum(axis=1)
    assert np.all(np.isneginf(log_probs[~allowed]))
    assert np.all(np.isfinite(log_probs[allowed]))
    np.testing.assert_allclose(np.exp(log_probs[allowed].astype(np.float64)).sum(), 1, rtol=1e-5)


@pytest.mark.parametrize("constraints", [(), CONSTRAINTS])
def test_log_probs_and_entropies_equal_the_numpy_controller(constraints):
    space = SearchSpace(num_groups=3, constraints=frozenset(constraints))
    policy = Policy(space, units=20, embedding=7, seed=3)
    for weight in policy.weights:
        weight.assign(10 * weight)
    tokens = policy.sample(12, (1, 2))
    log_probs, entropies = policy.log_probs(tf.constant(tokens))
    weights = reference.weights_of(policy)
    np.testing.assert_allclose(log_probs, reference.log_probs(space, weights, tokens), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(entropies, reference.entropies(space, weights, tokens), rtol=1e-4, atol=1e-5)


def test_initial_weights_are_uniform_within_the_papers_limit():
    policy = Policy(SearchSpace(num_groups=2), units=150, embedding=32, seed=0)
    assert policy.recurrent_kernel.shape == (150, 600)
    for weight in policy.weights:
        values = np.sort(weight.numpy().ravel())
        assert np.all(np.abs(values) <= 0.08)
        assert scipy.stats.kstest(values, "uniform", args=(-0.08, 0.16)).pvalue > 1e-3


def test_sampled_frequencies_match_the_probabilities():
    space = SearchSpace(1, ("g", "m", "v"), ("identity", "sign"), ("+", "*"), frozenset({"different_operands"}))
    policy = reference.tiny_policy(space, scale=15)
    programs = [row for row in reference.all_tokens(space) if meets(space, row)]
    probabilities = np.exp(policy.log_probs(tf.constant(programs, tf.int32))[0].numpy().sum(axis=1, dtype=np.float64))
    assert probabilities.max() > 5 * probabilities.min()
    count = 20_000
    place = {row: index for index, row in enumerate(programs)}
    drawn = np.bincount([place[tuple(row)] for row in policy.sample(count, (5, 6)).tolist()], minlength=len(programs))
    assert scipy.stats.chisquare(drawn, count * probabilities / probabilities.sum()).pvalue > 1e-3


@pytest.mark.parametrize("num_groups", [1, 3])
def test_samples_never_violate_a_constraint(num_groups):
    space = SearchSpace(num_groups=num_groups, constraints=frozenset(CONSTRAINTS))
    tokens = Policy(space, units=10, embedding=32, seed=0).sample(4000, (0, 0))
    assert tokens.dtype == np.int32
    assert all(meets(space, tuple(row)) for row in tokens.tolist())


def test_samples_depend_only_on_the_seed():
    policy, twin = Policy(reference.TINY, 150, 32, seed=1), Policy(reference.TINY, 150, 32, seed=1)
    first = policy.sample(50, (3, 4))
    np.testing.assert_array_equal(policy.sample(50, (3, 4)), first)
    np.testing.assert_array_equal(twin.sample(50, (3, 4)), first)
    assert np.any(policy.sample(50, (3, 5)) != first)
    assert np.any(Policy(reference.TINY, 150, 32, seed=2).sample(50, (3, 4)) != first)


def test_one_trace_serves_every_count():
    policy = Policy(reference.TINY, 150, 32, seed=0)
    for count in (1, 5, 8):
        tokens = policy.sample(count, (0, count))
        assert tokens.shape == (count, 5)
        policy.log_probs(tf.constant(tokens))
    assert policy._sample.experimental_get_tracing_count() == 1
    assert policy.log_probs.experimental_get_tracing_count() == 1


def test_gradients_past_forbidden_tokens_are_finite():
    space = reference.tiny_space(*CONSTRAINTS)
    policy = reference.tiny_policy(space)
    tokens = tf.constant(policy.sample(6, (0, 1)))
    with tf.GradientTape() as tape:
        log_probs, entropies = policy.log_probs(tokens)
        value = tf.reduce_sum(log_probs) + tf.reduce_sum(entropies)
    for gradient in tape.gradient(value, list(policy.weights)):
        assert np.all(np.isfinite(gradient))
        assert np.any(gradient != 0)
