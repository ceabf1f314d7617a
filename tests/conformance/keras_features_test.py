"""Keras' features around an update: weight decay, averaged weights, accumulation, schedules and loss scaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers.keras_compat import IS_KERAS_3
from tests.conformance.subjects import SUBJECTS, over_groups
from tests.conformance.training import RATE, Training, assert_equal, assert_same_step, gradients, plain

_LOSS_SCALE = 2.0**10


@over_groups
def test_decoupled_weight_decay(names: Sequence[str]) -> None:
    training, decaying = plain(names), Training(names, weight_decay=0.125)
    states = training.run(range(2))
    count = len(training.weights[0])
    # Keras' own formula, which turns infinite weights into NaN.
    shrunk = [state[:-count] + [w - w * 0.125 * RATE for w in state[-count:]] for state in states]
    assert_same_step(names, shrunk, gradients(2), decaying.traced_transition(states, gradients(2)))


@over_groups
def test_averaged_weights(names: Sequence[str]) -> None:
    training, averaging = plain(names), Training(names, use_ema=True, ema_momentum=0.75)
    # Keras 3 starts the average at the weights after the first step, Keras 2 at those before it.
    averages = None if IS_KERAS_3 else [[w.numpy() for w in weights] for weights in training.weights]
    for step in range(4):
        training.advance(gradients(step))
        averaging.advance(gradients(step))
        assert_equal(names, averaging.weights, training.weights)
        if averages is None:
            averages = [[w.numpy() for w in weights] for weights in training.weights]
        with np.errstate(all="ignore"):
            averages = [
                [0.75 * average + 0.25 * w.numpy() for average, w in zip(*pair, strict=True)]
                for pair in zip(averages, training.weights, strict=True)
            ]
    for name, optimizer, weights, expected in zip(
        names, averaging.optimizers, averaging.weights, averages, strict=True
    ):
        optimizer.finalize_variable_values(weights)
        for weight, average in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight, average, rtol=1e-5, atol=1e-6, err_msg=name)


@over_groups
@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 has no gradient accumulation")
def test_gradient_accumulation(names: Sequence[str]) -> None:
    training, accumulating = plain(names), Training(names, gradient_accumulation_steps=2)
    for step in range(2):
        before = training.states()
        first, second = gradients(2 * step), gradients(2 * step + 1)
        accumulating.advance(first)
        assert_equal(names, accumulating.weights, training.weights)
        accumulating.advance(second)
        mean = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
        count = len(training.weights[0])
        unchecked = training.traced_transition(before, mean)
        actual = [
            state[:-count] + [tf.identity(w) for w in weights]
            for state, weights in zip(unchecked, accumulating.weights, strict=True)
        ]
        assert_same_step(names, before, mean, actual)
        training.load(actual)


@over_groups
def test_learning_rate_schedule(names: Sequence[str]) -> None:
    rates = [0.5, 0.25, 0.125]
    training = Training(names)
    scheduled = Training(names, learning_rate=tf.keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], rates))
    for step, rate in enumerate(rates):
        for optimizer in training.optimizers:
            optimizer.learning_rate = rate
        training.advance(gradients(step))
        scheduled.advance(gradients(step))
        assert_equal(names, scheduled.states(), training.states())


@over_groups
def test_loss_scaling(names: Sequence[str]) -> None:
    def make(name: str) -> Any:
        inner = SUBJECTS[name](learning_rate=RATE)
        return tf.keras.mixed_precision.LossScaleOptimizer(inner, initial_scale=_LOSS_SCALE)

    training, scaling = plain(names), Training(names, make=make)

    def scaled_step(values: Sequence[tf.Tensor]) -> None:
        for optimizer, weights in zip(scaling.optimizers, scaling.weights, strict=True):
            scaled = [_LOSS_SCALE * value for value in values]
            if not IS_KERAS_3:
                scaled = optimizer.get_unscaled_gradients(scaled)
            optimizer.apply_gradients(list(zip(scaled, weights, strict=True)))

    traced = tf.function(scaled_step)
    for step in range(2):
        training.advance(gradients(step))
        traced(gradients(step))
        # Not bit-identical, because TensorFlow's graph optimizer reorders operations in the conditional of the scaling.
        for name, pair in zip(names, zip(scaling.weights, training.weights, strict=True), strict=True):
            for weight, other in zip(*pair, strict=True):
                np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-7, err_msg=name)
    before = [[weight.numpy() for weight in weights] for weights in scaling.weights]
    traced([np.inf * value for value in gradients(2)])
    assert_equal(names, scaling.weights, before)
