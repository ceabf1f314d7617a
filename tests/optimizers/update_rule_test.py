"""The arithmetic of every primitive and of random programs, compared with the NumPy twin step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.dsl import Program
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from nos_tf.optimizers import ProgramOptimizer
from nos_tf.optimizers.update_rule import Randomness, updated_averages
from tests.dsl.numpy_twin import random_programs
from tests.optimizers.reference import Trace, expected_updates, trace

PRIMITIVES = [
    *(Program((name, "1", "identity", "identity", "left")) for name in OPERANDS),
    *(Program(("g", "1", name, "identity", "left")) for name in UNARY),
    *(Program(("g", "m", "identity", "identity", name)) for name in BINARY),
    *(Program(("m", "v", "identity", "sqrt", name)) for name in BINARY),
]


def applied_updates(programs: Sequence[Program], trace: Trace) -> np.ndarray:
    """Returns the updates of `ProgramOptimizer` in float64, of shape `[programs, steps, size]`."""
    optimizers = [
        ProgramOptimizer(program, learning_rate=1.0, total_steps=trace.steps, seed=seed)
        for seed, program in enumerate(programs)
    ]
    variables = [tf.Variable(trace.weights[0]) for _ in programs]
    for optimizer, variable in zip(optimizers, variables, strict=True):
        optimizer.build([variable])

    @tf.function
    def step(gradient: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        for optimizer, variable in zip(optimizers, variables, strict=True):
            variable.assign(weights)
            optimizer.apply_gradients([(gradient, variable)])
        return weights - tf.stack(variables)

    steps = [step(tf.constant(g), tf.constant(w)).numpy() for g, w in zip(trace.gradients, trace.weights, strict=True)]
    return np.stack(steps, axis=1)


def check_against_twin(programs: Sequence[Program], trace: Trace) -> None:
    compared = 0
    for seed, (program, applied) in enumerate(zip(programs, applied_updates(programs, trace), strict=True)):
        expected, known = expected_updates(program, trace, seed)
        compared += known.sum()
        # An update of 1e-12 is lost in a weight of 1, including its sign.
        np.testing.assert_allclose(applied[known], expected[known], rtol=1e-7, atol=1e-11, err_msg=f"{program!r}")
    assert compared > 0.97 * len(programs) * trace.gradients.size


def test_every_primitive_over_100_steps() -> None:
    check_against_twin(PRIMITIVES, trace(seed=0))


def test_random_programs_over_100_steps() -> None:
    check_against_twin(random_programs(60, seed=1), trace(seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_random_programs_over_100_steps(seed: int) -> None:
    check_against_twin(random_programs(100, seed=2 + seed), trace(seed=2 + seed))


def test_averages_with_other_betas() -> None:
    gradients = trace(seed=3).gradients
    betas = {"m": 0.5, "v": 0.0, "gamma": 0.25}
    averages = {name: tf.zeros([12], tf.float64) for name in betas}
    for gradient in gradients:
        averages = updated_averages(tuple(betas), averages, tf.constant(gradient), betas)
    for name, power in (("m", 1), ("v", 2), ("gamma", 3)):
        weights = (1 - betas[name]) * betas[name] ** np.arange(100.0)[::-1]
        np.testing.assert_allclose(averages[name], weights @ gradients**power, rtol=1e-12, atol=1e-300)


def draw(seed: int = 0, index: int = 0, site: int = 0, step: int = 0, normal: bool = False, size: int = 64):
    return Randomness(seed, {index: size}).draw(site, tf.constant(step), tf.float32, normal).numpy()


def test_draws_are_uniform_and_normal() -> None:
    uniform = draw(size=200_000)
    assert uniform.min() >= 0.0
    assert uniform.max() < 1.0
    # Five standard errors of the mean, the variance and the fractions below the drop rates.
    assert abs(uniform.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 200_000)
    for rate in (0.1, 0.3, 0.5):
        assert abs((uniform < rate).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / 200_000)
    normal = draw(normal=True, size=200_000)
    assert abs(normal.mean()) < 5 / np.sqrt(200_000)
    assert abs(normal.var() - 1.0) < 5 * np.sqrt(2 / 200_000)


def test_draws_depend_only_on_seed_variable_site_and_step() -> None:
    np.testing.assert_array_equal(draw(), draw())
    settings = [
        {"seed": 1},
        {"seed": 2**32 - 1},
        {"index": 1},
        {"index": 2**20},
        {"site": 1},
        {"site": 15},
        {"step": 1},
    ]
    draws = [draw(), *(draw(**setting) for setting in settings)]
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert not np.isin(one, other).any()


def test_draws_of_many_variables_equal_those_of_each() -> None:
    together = Randomness(7, {0: 3, 5: 4}).draw(2, tf.constant(9), tf.float32, normal=False)
    expected = [draw(7, 0, 2, 9, size=3), draw(7, 5, 2, 9, size=4)]
    np.testing.assert_array_equal(together, np.concatenate(expected))


def test_draws_are_the_same_compiled() -> None:
    for normal in (False, True):

        @tf.function(jit_compile=True)
        def compiled(step: tf.Tensor, normal: bool = normal) -> tf.Tensor:
            return Randomness(3, {1: 1000}).draw(4, step, tf.float32, normal)

        eager = draw(3, 1, 4, 5, normal, size=1000)
        np.testing.assert_allclose(compiled(tf.constant(5)), eager, rtol=1e-4 if normal else 0, atol=1e-6 * normal)
