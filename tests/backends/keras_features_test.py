"""Keras' features around an update, compared with the NumPy twin for rules with decays, random draws and averages."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nos_tf.optimizers import AddSign, PowerSign, ProgramOptimizer
from tests.backends.backend import BACKEND, keras, numpy, stepper
from tests.backends.linear import GRADIENTS, RATE, START, STEPS, TOTAL, close, fit, linear
from tests.backends.twin import Twin

# Factory of each optimizer, and the same rule for the twin.
SUBJECTS = {
    "powersign-cd": (lambda **k: PowerSign(sign_decay="cd", total_steps=TOTAL, **k), "exp(cd * sign(g) * sign(m)) * g"),
    "addsign": (AddSign, "(1 + sign(g) * sign(m)) * g"),
    "stochastic": (lambda **k: ProgramOptimizer("drop(m, 0.3) + noise", **k), "drop(m, 0.3) + noise"),
    "decaying": (lambda **k: ProgramOptimizer("ld * adam", total_steps=TOTAL, **k), "ld * adam"),
}
over_subjects = pytest.mark.parametrize("name", SUBJECTS)


def make(name: str, learning_rate: Any = RATE, **kwargs: Any) -> Any:
    return SUBJECTS[name][0](learning_rate=learning_rate, **kwargs)


def twin(name: str) -> Twin:
    return Twin(SUBJECTS[name][1], (3,), TOTAL)


def applied(optimizer: Any, gradients: Sequence[np.ndarray] = GRADIENTS, jit: bool = True) -> np.ndarray:
    """Returns the weights after each step of a custom loop."""
    variable, path = keras.Variable(START, dtype="float32"), []
    optimizer.build([variable])
    step = stepper([optimizer], [[variable]], jit)
    for gradient in gradients:
        step(keras.ops.convert_to_tensor(gradient.astype("float32")))
        path.append(numpy(variable))
    return np.array(path)


@pytest.mark.parametrize("jit", [False] if BACKEND == "torch" else [True, False])
@over_subjects
def test_fit(name: str, jit: bool) -> None:
    close(fit(linear(make(name), jit=jit)), twin(name).train(START, GRADIENTS, RATE)[-1])


@pytest.mark.parametrize("jit", [True, False])
@over_subjects
def test_custom_loop(name: str, jit: bool) -> None:
    close(applied(make(name), jit=jit), twin(name).train(START, GRADIENTS, RATE))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="Keras has no stateless_apply on TensorFlow")
@over_subjects
def test_stateless_apply(name: str) -> None:
    optimizer, variable = make(name), keras.Variable(START, dtype="float32")
    optimizer.build([variable])
    weights, own = [variable.value], [each.value for each in optimizer.variables]
    for gradient in GRADIENTS:
        weights, own = optimizer.stateless_apply(own, [keras.ops.convert_to_tensor(gradient, "float32")], weights)
    close(numpy(weights[0]), twin(name).train(START, GRADIENTS, RATE)[-1])
    close(numpy(variable), START)


@over_subjects
def test_gradient_accumulation(name: str) -> None:
    # Decays and draws depend on the number of updates, not of accumulated steps.
    path = applied(make(name, gradient_accumulation_steps=2))
    expected = twin(name).train(START, (GRADIENTS[::2] + GRADIENTS[1::2]) / 2, RATE)
    close(path[1::2], expected)
    close(path[::2], np.vstack([START, expected[:-1]]))


def test_schedules_count_every_step_under_accumulation() -> None:
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1, 2], [1.0, 0.5, 0.25, 0.125])
    path = applied(make("addsign", schedule, gradient_accumulation_steps=2), GRADIENTS[:4])
    close(path[1::2], twin("addsign").train(START, (GRADIENTS[0:4:2] + GRADIENTS[1:4:2]) / 2, [0.5, 0.125]))


@over_subjects
def test_averaged_weights(name: str) -> None:
    optimizer = make(name, use_ema=True, ema_momentum=0.75)
    path = applied(optimizer)
    close(path, twin(name).train(START, GRADIENTS, RATE))
    average = path[0]
    for weights in path[1:]:
        average = 0.75 * average + 0.25 * weights
    [kept] = optimizer._model_variables_moving_average
    close(numpy(kept), average)


@pytest.mark.parametrize(("argument", "limit"), [("clipnorm", 0.4), ("global_clipnorm", 0.4), ("clipvalue", 0.2)])
@over_subjects
def test_clipping(name: str, argument: str, limit: float) -> None:
    if argument == "clipvalue":
        clipped = GRADIENTS.clip(-limit, limit)
    else:
        clipped = GRADIENTS * np.minimum(1.0, limit / np.linalg.norm(GRADIENTS, axis=1, keepdims=True))
    assert (clipped != GRADIENTS).any()
    close(applied(make(name, **{argument: limit})), twin(name).train(START, clipped, RATE))


@over_subjects
def test_weight_decay_comes_before_the_rule(name: str) -> None:
    expected, weights, reference = [], START, twin(name)
    for gradient in GRADIENTS:
        weights = weights * (1.0 - 0.125 * RATE)
        weights = weights - RATE * reference.update(gradient, weights)
        expected.append(weights)
    close(applied(make(name, weight_decay=0.125)), expected)


@pytest.mark.parametrize("name", ["powersign-cd", "stochastic"])
def test_mixed_precision(name: str) -> None:
    scaled = keras.mixed_precision.LossScaleOptimizer(make(name), initial_scale=256.0)
    model = linear(scaled, dtype="mixed_float16")
    close(fit(model), twin(name).train(START, GRADIENTS, RATE)[-1], 0.02)
    assert model.get_weights()[0].dtype == np.float32


@over_subjects
def test_saved_model_continues(name: str, tmp_path: pathlib.Path) -> None:
    model = linear(make(name))
    fit(model, slice(0, 3))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    close(fit(again, slice(3, None)), twin(name).train(START, GRADIENTS, RATE)[-1])


@pytest.mark.parametrize("rate", [1, np.float32(0.5), np.int64(2)])
def test_any_number_is_a_learning_rate(rate: Any) -> None:
    close(applied(make("addsign", rate)), twin("addsign").train(START, GRADIENTS, float(rate)))


def test_learning_rate_can_be_assigned() -> None:
    optimizer, variable = make("addsign", 1), keras.Variable(START, dtype="float32")
    optimizer.build([variable])
    step = stepper([optimizer], [[variable]])
    for count, gradient in enumerate(GRADIENTS):
        optimizer.learning_rate = 2.0**-count
        step(keras.ops.convert_to_tensor(gradient, "float32"))
    close(numpy(variable), twin("addsign").train(START, GRADIENTS, 2.0 ** -np.arange(STEPS))[-1])


@over_subjects
def test_schedule(name: str) -> None:
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1, 3], [0.5, 0.25, 0.125])
    rates = [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    close(fit(linear(make(name, schedule))), twin(name).train(START, GRADIENTS, rates)[-1])


def test_learning_rate_scheduler() -> None:
    callback = keras.callbacks.LearningRateScheduler(lambda epoch: [0.5, 0.125][epoch])
    weights = fit(linear(make("addsign")), epochs=2, callbacks=[callback])
    rates = [0.5] * STEPS + [0.125] * STEPS
    close(weights, twin("addsign").train(START, np.tile(GRADIENTS, [2, 1]), rates)[-1])


def test_reduce_learning_rate_on_plateau() -> None:
    model = linear(make("addsign"))
    callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=1e9)
    fit(model, epochs=3, callbacks=[callback])
    assert float(numpy(model.optimizer.learning_rate)) == pytest.approx(RATE / 4)


@pytest.mark.parametrize("name", ["addsign", "stochastic"])
def test_embedding_also_trains_rows_that_are_not_looked_up(name: str) -> None:
    rows = np.array([[0, 2], [2, 2]])
    embedding = keras.layers.Embedding(4, 2)
    model = keras.Sequential([keras.Input((2,), dtype="int32"), embedding])
    model.compile(make(name), lambda _, outputs: keras.ops.sum(outputs) / 8.0)
    start = model.get_weights()[0].astype(float)
    model.fit(rows, np.zeros([2, 2, 2]), epochs=3, batch_size=2, shuffle=False, verbose=0)
    gradient = np.bincount(rows.ravel(), minlength=4)[:, None] * np.ones([1, 2]) / 8.0
    reference = Twin(SUBJECTS[name][1], (8,), TOTAL)
    expected = reference.train(start.ravel(), np.tile(gradient.ravel(), [3, 1]), RATE)[-1]
    close(model.get_weights()[0].ravel(), expected)


@over_subjects
def test_bfloat16_is_kept_and_rounded(name: str) -> None:
    optimizer, variable = make(name), keras.Variable(START, dtype="bfloat16")
    optimizer.build([variable])
    step = stepper([optimizer], [[variable]])
    step(keras.ops.cast(GRADIENTS[0].astype("float32"), "bfloat16"))
    assert {keras.backend.standardize_dtype(v.dtype) for v in (variable, *optimizer.variables) if len(v.shape)} == {
        "bfloat16"
    }
    rounded = numpy(keras.ops.cast(keras.ops.cast(GRADIENTS[0], "bfloat16"), "float32")).astype(float)
    actual = numpy(keras.ops.cast(variable.value, "float32"))
    close(actual, START - RATE * twin(name).update(rounded, START), 2**-6)


def test_config_makes_the_same_optimizer() -> None:
    for name in SUBJECTS:
        optimizer = make(name, weight_decay=0.5)
        again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        assert type(again) is type(optimizer)
        assert again.get_config() == optimizer.get_config()
