"""Unusable tasks are refused in one line; suspicious ones only cause a warning."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import tensorflow as tf

from nos_tf import tasks
from nos_tf.tasks.task import Split, Splits, Task

CLASSES = 3


def make_split(count: int = 12) -> Split:
    return Split(np.linspace(-1, 1, count * 4, dtype=np.float32).reshape(count, 4), np.arange(count) % CLASSES)


def build(*last: tf.keras.layers.Layer, inputs: int = 4) -> tf.keras.Model:
    return tf.keras.Sequential([tf.keras.Input((inputs,)), tf.keras.layers.Dense(5, "relu"), *last])


def logits() -> tf.keras.Model:
    return build(tf.keras.layers.Dense(CLASSES))


def make_task(build_model=logits, batch_size: int = 4, **splits: Split) -> Task:
    everything = Splits(make_split(), make_split(), make_split())
    return Task(
        "own", "data", lambda data_dir: dataclasses.replace(everything, **splits), build_model, batch_size=batch_size
    )


def with_label(value: float, row: int, dtype: type = np.int64) -> Split:
    split = make_split()
    labels = split.labels.astype(dtype)
    labels[row] = value
    return Split(split.inputs, labels)


def with_input(value: float, row: int) -> Split:
    split = make_split()
    inputs = split.inputs.copy()
    inputs[row, 1] = value
    return Split(inputs, split.labels)


@pytest.fixture(autouse=True)
def _no_warning_unless_asked():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_good_tasks_pass():
    tasks.check(make_task())
    tasks.check("digits")


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"validation": with_label(0.5, 2, np.float64)}, r"^Labels of validation .*Received: 0\.5 in row 2$"),
        ({"train": with_label(-1, 7)}, r"^Labels of train .*Received: -1 in row 7$"),
        ({"test": with_label(6, 5)}, r"^Labels of test must be below the network's 3 outputs.*6 in row 5$"),
        ({"train": with_label(5, 1)}, r"^Labels of train must be below the network's 3 outputs.*5 in row 1$"),
        ({"train": with_label(np.nan, 3, np.float64)}, r"^labels of train must be finite.*row 3$"),
        ({"train": with_input(np.inf, 8)}, r"^inputs of train must be finite.*row 8$"),
        ({"validation": with_input(np.nan, 0)}, r"^inputs of validation must be finite.*row 0$"),
        ({"test": Split(np.zeros((6, 5)), np.arange(6) % 3)}, r"^Examples of test must have the shape .*\(5,\)$"),
        ({"train": Split(np.array([["a"]] * 4), np.arange(4) % 2)}, r"^inputs of train must be real numbers.*<U1$"),
        ({"train": Split(np.zeros((4, 4)), np.ones(4, int))}, r"^train has a single class.*only label 1$"),
    ],
)
def test_unusable_data_are_refused(splits, message):
    with pytest.raises(ValueError, match=message):
        tasks.check(make_task(**splits))


def two_outputs() -> tf.keras.Model:
    x = tf.keras.Input((4,))
    return tf.keras.Model(x, [tf.keras.layers.Dense(CLASSES)(x), tf.keras.layers.Dense(CLASSES)(x)])


def frozen() -> tf.keras.Model:
    model = logits()
    model.trainable = False
    return model


def not_finite() -> tf.keras.Model:
    return build(tf.keras.layers.Dense(CLASSES, bias_initializer=tf.keras.initializers.Constant(np.inf)))


def explodes() -> tf.keras.Model:
    # The output is finite at first, but the gradient is not, because it is that of the square root of zero.
    return build(tf.keras.layers.Dense(CLASSES, kernel_initializer="zeros"), tf.keras.layers.Lambda(tf.sqrt))


@pytest.mark.parametrize(
    ("build_model", "message"),
    [
        (lambda: build(tf.keras.layers.Dense(CLASSES), inputs=9), r"^The network does not accept .*\(4,\)$"),
        (two_outputs, r"^The network must have one output.*Received: \[\(4, 3\), \(4, 3\)\]"),
        (lambda: build(tf.keras.layers.Reshape((5, 1))), r"^The network must have one output.*\(4, 5, 1\)"),
        (frozen, r"^The network has no trainable weights"),
        (not_finite, r"^The freshly initialized network outputs NaN or infinity"),
        (explodes, r"^After one step of SGD, the network outputs NaN"),
        (lambda: None, r"must return a Keras model. Received: NoneType"),
    ],
)
def test_unusable_networks_are_refused(build_model, message):
    with pytest.raises(ValueError, match=message) as caught:
        tasks.check(make_task(build_model))
    assert "\n" not in str(caught.value)


def fails(error: Exception):
    def make(*_: object) -> None:
        raise error

    return make


def test_failing_functions_are_named_in_one_line():
    with pytest.raises(ValueError, match=r"^The task's build_model fails; .* Received: KeyError: 'x'$") as caught:
        tasks.check(make_task(fails(KeyError("x"))))
    assert isinstance(caught.value.__cause__, KeyError)
    task = dataclasses.replace(make_task(), load=fails(FileNotFoundError(2, "No such file", "x.npz")))
    with pytest.raises(ValueError, match=r"^The task's load fails; .* FileNotFoundError: No such file: x\.npz$"):
        tasks.check(task)
    with pytest.raises(ValueError, match=r"^The task's load fails; .* Received: ValueError: one: three$"):
        tasks.check(dataclasses.replace(task, load=fails(ValueError("one\ntwo\nthree"))))


def test_a_network_without_an_input_is_built_from_the_examples():
    tasks.check(make_task(lambda: tf.keras.Sequential([tf.keras.layers.Dense(CLASSES)])))


def test_load_must_return_splits():
    with pytest.raises(ValueError, match=r"must return nos_tf.tasks.Splits. Received: tuple"):
        tasks.check(Task("own", "data", lambda data_dir: (1, 2), logits))


def test_suspicious_tasks_cause_a_warning():
    with pytest.warns(tasks.TaskWarning, match="outputs probabilities instead of logits"):
        tasks.check(make_task(lambda: build(tf.keras.layers.Dense(CLASSES), tf.keras.layers.Softmax())))
    with pytest.warns(tasks.TaskWarning, match="fewer examples than a batch. Received: 12 < batch_size=50"):
        tasks.check(make_task(batch_size=50))
    with pytest.warns(tasks.TaskWarning, match="^test has no example of class 2"):
        tasks.check(make_task(test=Split(make_split().inputs, np.arange(12) % 2)))
    with pytest.warns(tasks.TaskWarning, match="^train has no example of class 2"):
        tasks.check(make_task(train=Split(make_split().inputs, np.arange(12) % 2)))
