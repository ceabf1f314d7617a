"""A linear model with targets far below its outputs, so that its gradient is the mean of a batch's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.backends.backend import keras

BATCH, STEPS, TOTAL, RATE = 4, 6, 8, 0.25
INPUTS = np.random.default_rng(3).standard_normal([BATCH * STEPS, 3]).astype("float32")
GRADIENTS = INPUTS.reshape(STEPS, BATCH, 3).mean(axis=1).astype(float)
START = np.array([0.5, -1.0, 2.0])
TARGETS = np.full([BATCH * STEPS, 1], -1000.0, "float32")


def linear(optimizer: Any, dtype: str = "float32", jit: bool | str = "auto") -> Any:
    layer = keras.layers.Dense(1, use_bias=False, dtype=dtype)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.set_weights([START[:, None]])
    model.compile(optimizer, "mae", jit_compile=jit)
    return model


def fit(model: Any, steps: slice = slice(None), **kwargs: Any) -> np.ndarray:
    """Fits the model to the batches of some steps and returns its weights."""
    inputs, targets = (x.reshape(STEPS, BATCH, -1)[steps].reshape(-1, x.shape[1]) for x in (INPUTS, TARGETS))
    model.fit(inputs, targets, batch_size=BATCH, shuffle=False, verbose=0, **kwargs)
    return model.get_weights()[0][:, 0]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
