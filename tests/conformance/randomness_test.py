"""Noise and drop masks are the same for the same seed, step and variable, and different otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import ProgramOptimizer, get


def updates(rule: str, seed: int, steps: int = 2) -> np.ndarray:
    """Returns updates of two variables with 50 weights and a gradient of 1, of shape `[steps, 2, 50]`."""
    optimizer = ProgramOptimizer(rule, 1.0, seed=seed, total_steps=10)
    variables = [tf.Variable(tf.zeros([50])) for _ in range(2)]
    results = []
    for _ in range(steps):
        before = tf.stack(variables)
        optimizer.apply_gradients([(tf.ones([50]), variable) for variable in variables])
        results.append((before - tf.stack(variables)).numpy())
    return np.stack(results)


@pytest.mark.parametrize("rule", ["noise", "annealed_noise", "drop(g, 0.5)"])
def test_draws_depend_on_seed_step_and_variable(rule: str) -> None:
    one, same, other = updates(rule, seed=1), updates(rule, seed=1), updates(rule, seed=2)
    np.testing.assert_array_equal(one, same)
    draws = [one[0, 0], one[0, 1], one[1, 0], one[1, 1], other[0, 0], other[0, 1]]
    for i, draw in enumerate(draws):
        for earlier in draws[:i]:
            assert (np.abs(draw - earlier) > 1e-3).any()


def test_every_drop_of_a_rule_has_its_own_mask() -> None:
    update = updates("drop(g, 0.5) - drop(g, 0.5)", seed=0)[0, 0]
    assert set(np.unique(update)) == {-1.0, 0.0, 1.0}


def test_an_operand_has_one_draw_throughout_a_rule() -> None:
    np.testing.assert_array_equal(updates("noise - noise", seed=0), 0.0)
    assert (updates("noise - annealed_noise", seed=0) != 0.0).all()


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_drop_is_not_rescaled(rate: float) -> None:
    update = updates(f"drop(g, {rate})", seed=0, steps=40)
    assert set(np.unique(update.round(4))) == {0.0, 1.0}
    assert abs((update == 0.0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / update.size)


def test_seed_of_a_named_rule() -> None:
    assert get("g-plus-drop-m", seed=5).seed == 5
