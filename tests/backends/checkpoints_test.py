"""Models that an earlier version saved in mid-training continue as if training had not been interrupted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.backend import keras
from tests.backends.linear import GRADIENTS, RATE, START, STEPS, TOTAL, close, fit
from tests.backends.make_checkpoints import CHECKPOINTS, DONE, FOLDER
from tests.backends.twin import Twin


def rates(name: str) -> np.ndarray:
    if name != "addsign":
        return np.full(STEPS, RATE)
    t = np.arange(STEPS) / TOTAL
    return RATE * ((1 - t) * 0.5 * (1 + np.cos(np.pi * t)) + 0.001)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_saved_model_continues(name: str) -> None:
    model = keras.models.load_model(FOLDER / f"{name}.keras")
    expected = Twin(CHECKPOINTS[name][1], (3,), TOTAL).train(START, GRADIENTS, rates(name))
    close(model.get_weights()[0][:, 0], expected[DONE - 1])
    assert int(model.optimizer.iterations) == DONE
    close(fit(model, slice(DONE, None)), expected[-1])
