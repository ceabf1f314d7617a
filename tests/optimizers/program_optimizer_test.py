"""`ProgramOptimizer`: comparison with Keras' own optimizers, slots and arguments."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.dsl import ProgramError, parse
from nos_tf.optimizers import ProgramOptimizer
from nos_tf.optimizers.keras_compat import IS_KERAS_3
from tests.optimizers.reference import trace


@pytest.mark.parametrize(
    ("text", "keras"),
    [
        ("adam", tf.keras.optimizers.Adam),
        ("rmsprop", lambda rate: tf.keras.optimizers.RMSprop(rate, rho=0.999)),
        ("g", tf.keras.optimizers.SGD),
        ("nesterov", lambda rate: tf.keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)),
        ("lion", tf.keras.optimizers.Lion),
        ("adam + 1e-2*w", lambda rate: tf.keras.optimizers.AdamW(rate, weight_decay=1e-2)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_keras_step_for_step(text: str, keras: type, dtype: str) -> None:
    gradients = trace(seed=4, steps=200).gradients
    optimizers = ProgramOptimizer(text, 0.01), keras(0.01)
    variables = [tf.Variable(tf.ones([12], dtype)) for _ in optimizers]

    @tf.function
    def step(gradient: tf.Tensor) -> None:
        for optimizer, variable in zip(optimizers, variables, strict=True):
            optimizer.apply_gradients([(gradient, variable)])

    for optimizer, variable in zip(optimizers, variables, strict=True):
        optimizer.build([variable])
    before = tf.stack(variables)
    for gradient in gradients:
        step(tf.constant(gradient, dtype))
        after = tf.stack(variables)
        steps = (after - before).numpy()
        # Keras rounds its betas to float32, whatever the variable's dtype, so 1 - 0.999 is off by 1.3e-5. This becomes
        # visible where the terms of an update cancel.
        atol = max(4 * np.finfo(dtype).eps, 1e-6 * np.abs(steps[1]).max())
        np.testing.assert_allclose(steps[0], steps[1], rtol=2e-5, atol=atol)
        before = after


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("g", ()),
        ("1e-3*w + noise", ()),
        ("g * exp(sign(m))", ("m",)),
        ("rmsprop", ("v",)),
        ("adam", ("m", "v")),
        ("gamma + adam", ("m", "v", "gamma")),
        ("left(g, m)", ()),
    ],
)
def test_slots_are_only_those_that_the_rule_reads(text: str, slots: tuple[str, ...]) -> None:
    optimizer = ProgramOptimizer(text)
    assert optimizer.slot_names == slots
    variables = [tf.Variable(tf.ones([3, 2])), tf.Variable(tf.ones([5], tf.float64))]
    optimizer.build(variables)
    made = [(tuple(v.shape), tf.as_dtype(v.dtype)) for v in optimizer.variables if len(v.shape)]
    assert sorted(made) == sorted([((3, 2), tf.float32), ((5,), tf.float64)] * len(slots))


def test_betas_are_those_of_the_averages() -> None:
    optimizer = ProgramOptimizer("m + (v + gamma)", 1.0, beta_1=0.5, beta_2=0.25, beta_3=0.0)
    variable = tf.Variable([0.0])
    for gradient in (2.0, -1.0):
        variable.assign([0.0])
        optimizer.apply_gradients([(tf.constant([gradient]), variable)])
    m = (0.25 * 2.0 + 0.5 * -1.0) / 0.75
    v = (0.1875 * 4.0 + 0.75 * 1.0) / 0.9375
    np.testing.assert_allclose(variable, [-(m + v - 1.0)], rtol=1e-6)


def test_half_precision_is_rounded_once() -> None:
    # Rounded by itself, the step is 2^-12, and 1 - 2^-12 is rounded back to 1.
    variable = tf.Variable(tf.ones([1], tf.float16))
    ProgramOptimizer("g", 1 + 2**-12).apply_gradients([(tf.constant([2**-12], tf.float16), variable)])
    assert variable.numpy() == np.float16(1 - 2**-12 - 2**-24) < 1


def test_sparse_gradients_in_half_precision_are_computed_in_single_precision() -> None:
    gradient = tf.IndexedSlices(tf.constant([[1000.0], [1000.0]], tf.float16), [1, 1], [3, 1])
    variable = tf.Variable(tf.zeros([3, 1], tf.float16))
    ProgramOptimizer("g", 1e-8).apply_gradients([(gradient, variable)])
    np.testing.assert_array_equal(variable, np.float16([[0.0], [-2e-5], [0.0]]))


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 scales no losses in its optimizers")
def test_sparse_gradients_of_scaled_losses() -> None:
    variable = tf.Variable(tf.zeros([3, 1]))
    optimizer = ProgramOptimizer("g", 1.0, loss_scale_factor=2.0)
    optimizer.apply_gradients([(tf.IndexedSlices(tf.constant([[1.0]]), [2], [3, 1]), variable)])
    np.testing.assert_array_equal(variable, [[0.0], [0.0], [-0.5]])


def test_half_precision_does_not_underflow() -> None:
    # In float16, 1e-8 is 0, and g / (v + 1e-8) would be infinite.
    variable = tf.Variable(tf.ones([1], tf.float16))
    optimizer = ProgramOptimizer("g / v", 1e-9)
    optimizer.apply_gradients([(tf.constant([1e-3], tf.float16), variable)])
    gradient = float(np.float16(1e-3))
    np.testing.assert_allclose(variable, [1.0 - 1e-9 * gradient / (gradient**2 + 1e-8)], rtol=1e-3)


def test_config_holds_every_argument() -> None:
    arguments = {"total_steps": 50, "beta_1": 0.5, "beta_2": 0.6, "beta_3": 0.7, "seed": 8}
    config = ProgramOptimizer(parse("cd * gamma"), 0.5, **arguments).get_config()
    assert config["program"] == "cd * gamma"
    assert config["learning_rate"] == 0.5
    assert {name: config[name] for name in arguments} == arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta_1": 1.0}, r"beta_1 must be a number in \[0, 1\)\. Received: beta_1=1\.0$"),
        ({"beta_2": -1}, r"Received: beta_2=-1$"),
        ({"beta_3": None}, r"Received: beta_3=None$"),
        ({"seed": -1}, r"in \[0, 2\*\*32\)\. Received: seed=-1$"),
        ({"seed": 2**32}, r"Received: seed=4294967296$"),
        ({"seed": 0.5}, r"Received: seed=0\.5$"),
        ({"total_steps": 0}, r"positive integer\. Received: total_steps=0$"),
        ({"total_steps": 10.0}, r"Received: total_steps=10\.0$"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProgramOptimizer("g", **arguments)


@pytest.mark.parametrize("decay", ["ld", "cd", "rd"])
def test_decay_needs_total_steps(decay: str) -> None:
    with pytest.raises(ValueError, match=rf"the rule {decay} \* g decays .*total_steps\. Received: total_steps=None$"):
        ProgramOptimizer(f"{decay} * g")
    ProgramOptimizer(f"{decay} * g", total_steps=10)
    ProgramOptimizer(f"left(g, {decay})")


def test_bad_rule() -> None:
    with pytest.raises(ProgramError, match="did you mean 'sign'"):
        ProgramOptimizer("sgn(g)")
