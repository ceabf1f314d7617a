"""Rules exported for Keras train like the NumPy twin, on the backend in KERAS_BACKEND or on TensorFlow."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from nos_tf.exporters import export
from tests.exporters import conformance
from tests.exporters.loading import load

keras = pytest.importorskip("keras", minversion="3.0", reason="the exports are for Keras 3")

# On other backends, Keras rounds some scalars to single precision: the arguments of clip, and the result of cos.
PRECISION = 1e-13 if keras.backend.backend() == "tensorflow" else 1e-8


def test_rules_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("keras", tmp_path, conformance.RULES, precision=PRECISION)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_random_programs_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("keras", tmp_path, conformance.RANDOM_PROGRAMS, precision=PRECISION)


@pytest.mark.parametrize(("rule", "jit"), [("powersign-cd", True), ("drop-m-exp-w", True), ("adam", False)])
def test_trains_a_model_and_continues_after_saving(rule: str, jit: bool, tmp_path: pathlib.Path) -> None:
    module = load(export(rule, to="keras"), tmp_path)
    make = next(entry for entry in vars(module).values() if isinstance(entry, type))
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    labels = inputs.sum(axis=1, keepdims=True)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    steps = {"total_steps": 100} if "cd" in rule else {}
    jit = jit and keras.backend.backend() != "torch"
    model.compile(make(learning_rate=0.05, weight_decay=1e-4, clipnorm=1.0, **steps), "mse", jit_compile=jit)
    before = model.evaluate(inputs, labels, verbose=0)
    model.fit(inputs, labels, batch_size=16, epochs=5, shuffle=False, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0) < 0.7 * before
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects={make.__name__: make})
    for one in (model, again):
        one.fit(inputs, labels, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for weight, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-6, atol=1e-7)
