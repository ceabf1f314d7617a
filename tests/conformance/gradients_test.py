"""Gradients of every kind: clipped, sparse, missing, and of every floating-point type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import ProgramOptimizer, get
from tests.conformance.subjects import over_groups
from tests.conformance.training import SHAPES, Training, assert_equal, assert_same_step, gradients, plain


def clipped(name: str, limit: float, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Clips gradients as Keras documents it, in float64."""
    arrays = [np.asarray(value, np.float64) for value in values]
    if name == "clipvalue":
        arrays = [np.clip(array, -limit, limit) for array in arrays]
    else:
        norms = [np.sqrt((array**2).sum()) for array in arrays]
        if name == "global_clipnorm":
            norms = [np.sqrt(sum(norm**2 for norm in norms))] * len(arrays)
        arrays = [array * min(1.0, limit / norm) for array, norm in zip(arrays, norms, strict=True)]
    return [tf.constant(array, tf.float32) for array in arrays]


@over_groups
@pytest.mark.parametrize(("argument", "limit"), [("clipnorm", 0.8), ("clipvalue", 0.3), ("global_clipnorm", 0.8)])
def test_clipping(names: Sequence[str], argument: str, limit: float) -> None:
    clipping = Training(names, **{argument: limit})
    states, values = plain(names).run(range(2)), gradients(2)
    expected = clipped(argument, limit, values)
    assert any((value.numpy() != other.numpy()).any() for value, other in zip(values, expected, strict=True))
    assert_same_step(names, states, expected, clipping.traced_transition(states, values))


@over_groups
@pytest.mark.parametrize("clipping", [{}, {"clipnorm": 0.8}, {"clipvalue": 0.3}], ids=str)
def test_sparse_gradients_with_repeated_indices(names: Sequence[str], clipping: dict[str, float]) -> None:
    # Repeated rows are summed before they are clipped, and all weights move. Keras' own optimizers do neither, and the
    # rule `g` moves only the rows in the gradient.
    names = [name for name in names if name not in ("momentum", "rmsprop-nasnet", "sgd")]
    training = Training(names, **clipping)
    states = training.run(range(2))
    values = tf.constant(np.random.default_rng(1).standard_normal([5, 2]), tf.float32)
    indices = tf.constant([2, 0, 2, 2, 0])
    dense = np.zeros(SHAPES[0], np.float32)
    np.add.at(dense, indices.numpy(), values.numpy())
    others = gradients(3)[1:]
    expected = training.traced_transition(states, [tf.constant(dense), *others])
    sparse = tf.IndexedSlices(values, indices, tf.constant(SHAPES[0]))
    assert_equal(names, training.traced_transition(states, [sparse, *others]), expected)


@pytest.mark.parametrize("arguments", [{}, {"clipnorm": 1.0}, {"weight_decay": 0.5}], ids=str)
def test_sparse_gradients_with_plain_descent(arguments: dict[str, float]) -> None:
    start = np.random.default_rng(2).standard_normal([4, 2])
    values = np.random.default_rng(3).standard_normal([3, 2])
    one, other = (get("sgd", learning_rate=0.25, **arguments) for _ in range(2))
    sparse, dense = (tf.Variable(start, dtype=tf.float32) for _ in range(2))
    total = np.zeros_like(start)
    np.add.at(total, [2, 0, 2], values)
    slices = tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant([2, 0, 2]), tf.constant([4, 2]))
    for _ in range(2):
        one.apply_gradients([(slices, sparse)])
        other.apply_gradients([(tf.constant(total, tf.float32), dense)])
    np.testing.assert_allclose(sparse, dense, rtol=1e-6)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("g", True), ("1 * g", True), ("left(g, m)", True), ("2 * g", False), ("m", False), ("g + 1e-4*w", False)],
)
def test_only_the_rule_g_takes_sparse_gradients(rule: str, expected: bool) -> None:
    assert ProgramOptimizer(rule, 0.1).takes_sparse_gradients == expected


@over_groups
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_missing_gradient_leaves_its_variable_alone(names: Sequence[str]) -> None:
    training = plain(names)
    states = training.run(range(2))
    values = gradients(2)
    expected = training.traced_transition(states, values)
    actual = training.traced_transition(states, [None, values[1]])
    # Other weights are not bit-identical, because a different part of the vector of small weights is vectorized.
    filled = []
    for name, before, after, full in zip(names, states, actual, expected, strict=True):
        is_frozen = [tuple(value.shape) == SHAPES[0] for value in before]
        for value, other, frozen in zip(before, after, is_frozen, strict=True):
            if frozen:
                np.testing.assert_array_equal(other, value, err_msg=name)
        filled.append([value if frozen else other for value, other, frozen in zip(full, after, is_frozen, strict=True)])
    assert_same_step(names, states, values, filled)


@over_groups
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtype_is_kept(names: Sequence[str], dtype: str) -> None:
    training = Training(names, dtype)
    after = training.traced_transition(training.start, gradients(0))
    for name, variables, values in zip(names, training.variables(), after, strict=True):
        for variable, value in zip(variables, values, strict=True):
            assert tf.as_dtype(variable.dtype) in (training.dtype, tf.int64), name
            assert value.dtype in (training.dtype, tf.int64), name
    rounded = [tf.cast(value, dtype) for value in gradients(0)]
    epsilon = {"float16": 2**-10, "bfloat16": 2**-7}.get(dtype, 1e-6)
    assert_same_step(names, training.start, rounded, after, epsilon, smallest=2**-24 if dtype == "float16" else 1e-30)
