"""Batches of rules, compared with one rule at a time, and the documented properties of the gradient streams."""

import numpy as np
import pytest

from nos_tf.dsl import SearchSpace, parse
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from nos_tf.evaluation import gradient_streams
from nos_tf.evaluation.gradient_streams import SIZES, STEPS, streams
from nos_tf.evaluation.responses import responses


def flushed(values):
    return np.where(np.abs(values) < np.finfo(np.float32).tiny, np.float32(0.0), values)


def one_at_a_time(program, state):
    """Computes the update in single precision, with subnormal numbers flushed to zero."""
    values = {}
    for index, group in enumerate(program.groups):
        first, second = (
            flushed(
                UNARY[unary].compute(
                    state.at_site(2 * index + side),
                    values[name] if name in values else flushed(OPERANDS[name].compute(state)),
                )
            )
            for side, (name, unary) in enumerate(zip(group[:2], group[2:4], strict=True))
        )
        values[f"b{index + 1}"] = flushed(BINARY[group.binary].compute(state, first, second))
    return np.broadcast_to(values[f"b{program.num_groups}"], state.g.shape)


@pytest.mark.parametrize("num_groups", [1, 2, 4])
def test_a_batch_gives_what_each_rule_gives_alone(num_groups):
    space, rng = SearchSpace(num_groups, operands=tuple(OPERANDS)), np.random.default_rng(num_groups)
    programs = [space.sample(rng) for _ in range(300)]
    found = np.concatenate(list(responses(programs)))
    assert found.dtype == np.float32
    with np.errstate(all="ignore"):
        for program, row in zip(programs, found, strict=True):
            # Vectorized powers round differently at different positions in an array.
            alone = one_at_a_time(program, streams().state)
            np.testing.assert_allclose(row, alone, rtol=2e-7, err_msg=str(program))


def test_rules_of_all_lengths_can_be_mixed():
    texts = ["g", "m / (sqrt(v) + 1)", "b1 = g * m; exp(b1) * drop(b1, 0.3) - v", "clip(adam, 1e-4) - drop(m, 0.3)"]
    together = next(responses([parse(text) for text in texts]))
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_array_equal(next(responses([parse(text)]))[0], row)


def test_the_second_half_is_the_negative_loss():
    state, shape = streams().state, streams().shape
    assert shape[1] == len(SIZES)
    assert shape[3] == len(STEPS)
    g, w, m, v, gamma = (
        a.reshape(shape) for a in (state.g, state.w, *(state.averages[n] for n in ("m", "v", "gamma")))
    )
    for odd in (g, m, gamma, np.broadcast_to(streams().signal, shape)):
        np.testing.assert_array_equal(odd[0], -odd[1])
    for even in (w, v, *(a.reshape(shape) for a in (state.step, *state.normals.values(), *state.uniforms))):
        np.testing.assert_array_equal(even[0], even[1])
    typical = np.median(np.abs(g[0]), axis=(1, 2))
    np.testing.assert_allclose(np.log10(typical), np.log10(SIZES), atol=0.7)


def test_averages_are_those_of_a_training():
    """Compares with Keras' recurrence in double precision."""
    gradients, _, _ = gradient_streams._histories(np.random.default_rng(gradient_streams._SEED))
    state, shape = streams().state, streams().shape
    np.testing.assert_array_equal(state.g.reshape(shape), np.stack([gradients[step] for step in STEPS], axis=-1))
    m, v = np.zeros(shape[:-1]), np.zeros(shape[:-1])
    for step, gradient in enumerate(gradients.astype(np.float64)):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        if step in STEPS:
            place = (..., STEPS.index(step))
            np.testing.assert_allclose(state.averages["m"].reshape(shape)[place], m, rtol=2e-4)
            np.testing.assert_allclose(state.averages["v"].reshape(shape)[place], v, rtol=2e-4)
    np.testing.assert_allclose(state.bias("v"), 1.0 - 0.999 ** (state.step.astype(np.float64) + 1.0), rtol=1e-6)
