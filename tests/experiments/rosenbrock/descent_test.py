from typing import Any

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from experiments.rosenbrock import function
from experiments.rosenbrock.descent import Descent, gradient_noise
from nos_tf import optimizers

STEPS = 40
LAMB = "keras/lamb" if hasattr(tf.keras.optimizers, "Lamb") else "addons/lamb"


def stepped(optimizer: Any, seed: int, noise: float) -> np.ndarray:
    """Runs the same descent in eager steps, with SciPy's gradient in float64."""
    weights = tf.Variable(function.START)
    path = [weights.numpy()]
    for draw in gradient_noise(seed, STEPS):
        gradient = scipy.optimize.rosen_der(weights.numpy().astype(np.float64)) + noise * draw.astype(np.float64)
        optimizer.apply_gradients([(tf.constant(gradient, tf.float32), weights)])
        path.append(weights.numpy())
    return np.stack(path)


@pytest.mark.parametrize(
    ("name", "learning_rate"),
    [
        ("sgd", 1e-3),
        ("momentum", 1e-4),
        ("rmsprop", 1e-2),
        ("adam", 1e-1),
        ("powersign", 5e-4),
        ("addsign-cd", 5e-4),
        ("exp(sign(g) * sign(m)) * drop(g, 0.3)", 1e-4),
        ("noise + clip(adam, 1e-3)", 1e-2),
        ("keras/nadam", 1e-2),
        (LAMB, 1e-2),  # Its steps depend on the norm of the weights, so runs must not share a variable.
    ],
)
def test_path_is_that_of_the_keras_optimizer(name: str, learning_rate: float) -> None:
    descent = Descent(optimizers.get(name, total_steps=STEPS), STEPS)
    for seed, noise in ((0, 0.0), (3, 2.0)):
        more = {"seed": seed} if name.count("(") else {}
        reference = optimizers.get(name, learning_rate, total_steps=STEPS, **more)
        path = descent.run(learning_rate, seed, noise)
        assert path.dtype == np.float32
        np.testing.assert_allclose(path, stepped(reference, seed, noise), rtol=1e-3, atol=1e-4)
        assert np.abs(path - path[0]).max() > 3e-3  # Far above the tolerance.


def test_gradient_descent_in_double_precision() -> None:
    x, y = function.START
    for _ in range(STEPS):
        slope = 200 * (y - x * x)
        x, y = x - 1e-3 * (-2 * (1 - x) - 2 * x * slope), y - 1e-3 * slope
    path = Descent(optimizers.get("sgd"), STEPS).run(1e-3, 0, 0.0)
    np.testing.assert_allclose(path[-1], [x, y], rtol=1e-4)


@pytest.mark.parametrize("name", ["adam", "momentum", "powersign", "drop(m, 0.5)", "keras/nadam", "keras/adagrad"])
def test_each_run_starts_from_scratch(name: str) -> None:
    descent = Descent(optimizers.get(name), STEPS)
    first = descent.run(1e-3, 1, 1.0)
    assert not np.array_equal(descent.run(2e-3, 1, 1.0), first)
    assert not np.array_equal(descent.run(1e-3, 2, 1.0), first)
    assert not np.array_equal(descent.run(1e-3, 1, 0.5), first)
    np.testing.assert_array_equal(descent.run(1e-3, 1, 1.0), first)


def test_seed_reaches_the_rule() -> None:
    descent = Descent(optimizers.get("drop(g, 0.5)"), STEPS)
    assert not np.array_equal(descent.run(1e-3, 0, 0.0), descent.run(1e-3, 1, 0.0))


def test_divergence_stays_in_the_path() -> None:
    path = Descent(optimizers.get("sgd"), STEPS).run(1.0, 0, 0.0)
    assert np.isfinite(path[1]).all()
    assert not np.isfinite(path[-1]).any()


def test_noise_is_standard_normal() -> None:
    noise = gradient_noise(0, 100_000)
    assert noise.shape == (100_000, 2)
    np.testing.assert_allclose(noise.mean(0), 0.0, atol=0.015)
    np.testing.assert_allclose(np.cov(noise.T), np.eye(2), atol=0.02)
    np.testing.assert_array_equal(noise, gradient_noise(0, 100_000))
