"""What the base class adds to Keras'; the tests in tests/conformance cover the rest."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import ProgramOptimizer, get, keras_compat
from nos_tf.optimizers.rule_optimizer import RuleOptimizer


def test_base_class_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        RuleOptimizer()


def test_is_a_keras_optimizer_named_after_its_class() -> None:
    optimizer = ProgramOptimizer("g")
    assert isinstance(optimizer, tf.keras.optimizers.Optimizer)
    assert optimizer.name == "ProgramOptimizer"
    assert ProgramOptimizer("g", name="mine").name == "mine"


def test_unknown_argument() -> None:
    with pytest.raises((TypeError, ValueError), match="momentum"):
        ProgramOptimizer("g", momentum=0.9)


def test_build_twice_keeps_the_slots() -> None:
    optimizer = ProgramOptimizer("m")
    variable = tf.Variable([1.0])
    optimizer.build([variable])
    before = len(optimizer.variables)
    optimizer.build([variable])
    assert len(optimizer.variables) == before


def test_infinite_weights_survive_without_weight_decay() -> None:
    variable = tf.Variable([np.inf, 1.0])
    ProgramOptimizer("g", 1.0).apply_gradients([(tf.constant([1.0, 1.0]), variable)])
    np.testing.assert_array_equal(variable, [np.inf, 0.0])


def test_learning_rate_can_be_set() -> None:
    optimizer = ProgramOptimizer("g", 1.0)
    variable = tf.Variable([0.0])
    optimizer.learning_rate = 0.5
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_array_equal(variable, [-0.5])


def test_update_of_a_constant_rule_reaches_every_weight() -> None:
    variable = tf.Variable(tf.zeros([2, 3]))
    ProgramOptimizer("1 + 2", 1.0).apply_gradients([(tf.ones([2, 3]), variable)])
    np.testing.assert_array_equal(variable, np.full([2, 3], -3.0))


def loss_scaled() -> Any:
    # Gradients of about 12 overflow with the first scales, so whether a step is taken depends on the scale.
    return tf.keras.mixed_precision.LossScaleOptimizer(tf.keras.optimizers.SGD(1e-3), initial_scale=2.0**127)


OPTIMIZERS = {
    "rule": lambda: get("adam", learning_rate=0.01, use_ema=True),
    "keras": lambda: get("keras/adam", learning_rate=0.01),
    "loss scaling": loss_scaled,
}
if importlib.util.find_spec("tensorflow_addons") is not None:
    OPTIMIZERS |= {
        name: lambda name=name: get(f"addons/{name}", learning_rate=0.01)
        for name in ("lamb", "rectifiedadam", "yogi", "adabelief", "novograd", "sgdw", "lookahead")
    }


def compiled(name: str) -> tf.keras.Model:
    layers = tf.keras.layers
    with keras_compat.random_state_in_variables():
        model = tf.keras.Sequential(
            [tf.keras.Input((1,)), layers.Dense(1, kernel_initializer="zeros"), layers.Dropout(0.5, seed=1)]
        )
    model.compile(OPTIMIZERS[name](), "mse", jit_compile=False)
    keras_compat.build_optimizer(model.optimizer, model.trainable_variables)
    return model


def state(model: tf.keras.Model) -> list[tf.Variable]:
    return [*keras_compat.model_variables(model), *keras_compat.optimizer_variables(model.optimizer)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_depends_only_on_the_listed_variables(name: str) -> None:
    inputs, targets = np.ones([6, 1], np.float32), np.full([6, 1], -6.0, np.float32)
    one, other = compiled(name), compiled(name)
    for _ in range(3):
        one.train_on_batch(inputs, targets)
    for variable, value in zip(state(other), state(one), strict=True):
        variable.assign(value)
    before = one.get_weights()
    for _ in range(4):  # Lookahead synchronizes in the sixth step.
        one.train_on_batch(inputs, targets)
        other.train_on_batch(inputs, targets)
    for variable, value in zip(state(other), state(one), strict=True):
        np.testing.assert_array_equal(variable, value)
    assert any((old != new).any() for old, new in zip(before, one.get_weights(), strict=True))
