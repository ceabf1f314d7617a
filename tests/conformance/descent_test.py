"""Every rule in the zoo descends a parabola at one or more learning rates of the paper's sweep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tests.conformance.subjects import over_zoo
from tests.conformance.training import Training

_RATES = tuple(10.0**exponent for exponent in range(-5, 2))
_STEPS = 100
# exp(g) - exp(m) vanishes while the gradient is constant, and the gradient of a noise-free parabola is constant as long
# as the weights are.
_STATIONARY = ("exp-g-minus-exp-m",)


@over_zoo
def test_descends_a_parabola(names: Sequence[str]) -> None:
    names = [name for name in names if not name.startswith("random") and name != "decays-noise"]
    training = Training(names)
    start = training.states()
    for i, value in enumerate(training.weights[0]):
        for state in start:
            state[len(state) - len(training.weights[0]) + i] = 0.1 * tf.identity(value)

    @tf.function
    def step() -> None:
        for optimizer, weights in zip(training.optimizers, training.weights, strict=True):
            optimizer.apply_gradients([(tf.convert_to_tensor(weight), weight) for weight in weights])

    def losses() -> np.ndarray:
        return np.array([sum((w.numpy().astype(float) ** 2).sum() for w in weights) for weights in training.weights])

    training.load(start)
    before, best = losses(), np.full(len(names), np.inf)
    for rate in _RATES:
        training.load(start)
        for optimizer in training.optimizers:
            optimizer.learning_rate = rate
        for _ in range(_STEPS):
            step()
        best = np.fmin(best, losses())
    for name, first, last in zip(names, before, best, strict=True):
        if name in _STATIONARY:
            np.testing.assert_allclose(last, first, rtol=1e-3)
        else:
            assert last < 0.9 * first, name
