"""What the base class adds to Keras' own; the battery in tests/conformance covers the rest."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import ProgramOptimizer
from nos_tf.optimizers.keras_api import RuleOptimizer


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
