"""Optimizers from Keras and tensorflow-addons by name."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import external, get

HAS_ADDONS = importlib.util.find_spec("tensorflow_addons") is not None
ADDONS = ("lamb", "rectifiedadam", "yogi", "adabelief", "novograd", "sgdw", "lookahead")
KERAS = ("sgd", "rmsprop", "adam", "adamw", "adadelta", "adagrad", "adamax", "adafactor", "nadam", "ftrl", "lion")


def weights_after(optimizer: Any, steps: int = 3) -> np.ndarray:
    variable = tf.Variable([1.0, -2.0, 0.5])
    for step in range(steps):
        optimizer.apply_gradients([(tf.constant([0.5, -0.25, 0.1]) * (step + 1.0), variable)])
    return variable.numpy()


@pytest.mark.parametrize("name", KERAS)
def test_keras_has_the_usual_optimizers(name: str) -> None:
    optimizer = get(f"keras/{name}", learning_rate=0.25, total_steps=10)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.25
    assert np.isfinite(weights_after(optimizer)).all()


def test_keras_names_are_case_insensitive_and_take_the_arguments_of_the_class() -> None:
    optimizer = get("Keras/AdamW", learning_rate=0.01, epsilon=0.5, weight_decay=0.125)
    np.testing.assert_array_equal(
        weights_after(optimizer),
        weights_after(tf.keras.optimizers.AdamW(0.01, epsilon=0.5, weight_decay=0.125)),
    )
    assert optimizer.epsilon == 0.5
    assert optimizer.weight_decay == 0.125


def test_schedule() -> None:
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.0])
    once = weights_after(get("keras/sgd", learning_rate=schedule), steps=1)
    np.testing.assert_allclose(once, [0.5, -1.75, 0.4], rtol=1e-6)
    np.testing.assert_array_equal(weights_after(get("keras/sgd", learning_rate=schedule), steps=3), once)


@pytest.mark.parametrize("name", ["optimizer", "lossscaleoptimizer", "schedules", ""])
def test_unknown_keras_optimizer(name: str) -> None:
    with pytest.raises(ValueError, match=rf"Unknown optimizer of keras.*adamw.*Received: '{name}'$"):
        get(f"keras/{name}")


def test_misspelled_name() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'adamw'.*Received: 'adamww'$"):
        get("keras/adamww")


@pytest.mark.skipif(HAS_ADDONS, reason="tensorflow-addons is installed")
def test_without_addons_the_error_names_the_extra() -> None:
    with pytest.raises(ValueError, match=r"pip install 'nos_tf\[addons\]'.*Received: TensorFlow"):
        get("addons/lamb")


@pytest.mark.skipif(not HAS_ADDONS, reason="tensorflow-addons is not installed")
def test_names_of_addons() -> None:
    assert set(external.LIBRARIES["addons"]()) == set(ADDONS)
    with pytest.raises(ValueError, match=r"did you mean 'lamb'.*Received: 'lamp'$"):
        get("addons/lamp")


@pytest.mark.skipif(not HAS_ADDONS, reason="tensorflow-addons is not installed")
@pytest.mark.parametrize("name", ADDONS)
def test_addons(name: str) -> None:
    optimizer = get(f"addons/{name}", learning_rate=0.25, total_steps=10)
    assert type(optimizer).__name__.lower() == name
    weights = weights_after(optimizer)
    assert np.isfinite(weights).all()
    assert (np.sign(weights - [1.0, -2.0, 0.5]) == [-1.0, 1.0, -1.0]).all()


@pytest.mark.skipif(not HAS_ADDONS, reason="tensorflow-addons is not installed")
def test_arguments_of_addons() -> None:
    import tensorflow_addons as tfa

    np.testing.assert_array_equal(
        weights_after(get("addons/LAMB", learning_rate=0.01, epsilon=0.5)),
        weights_after(tfa.optimizers.LAMB(0.01, epsilon=0.5)),
    )
    # A step of plain SGD, with a decay that is not multiplied by the learning rate.
    decayed = weights_after(get("addons/sgdw", learning_rate=0.5, weight_decay=0.125, momentum=0.0), steps=1)
    np.testing.assert_allclose(decayed, [0.875 - 0.25, -1.75 + 0.125, 0.4375 - 0.05], rtol=1e-6)
    # Every step is a slow step with weight 0, so nothing moves.
    still = weights_after(get("addons/lookahead", learning_rate=0.5, sync_period=1, slow_step_size=0.0))
    np.testing.assert_allclose(still, [1.0, -2.0, 0.5], rtol=1e-6)
