"""Losses and scores, compared with NumPy, and a task with its own objective."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from nos_tf import tasks
from nos_tf.dsl import parse
from nos_tf.evaluation import Evaluator, result
from nos_tf.tasks.task import Split, Splits, Task


def test_cross_entropy_equals_that_of_the_probabilities():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 3, 5)).astype(np.float32)
    targets = rng.integers(0, 5, (4, 3)).astype(np.int32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    right = np.take_along_axis(probabilities, targets[..., None], axis=-1)[..., 0]
    losses = tasks.CROSS_ENTROPY.losses(tf.constant(targets), tf.constant(logits))
    np.testing.assert_allclose(losses, -np.log(right), rtol=1e-5)
    scores = tasks.CROSS_ENTROPY.scores(tf.constant(targets), tf.constant(logits))
    np.testing.assert_array_equal(scores, (logits.argmax(axis=-1) == targets).astype(np.float32))


def test_chance_level_of_classes_is_that_of_the_most_frequent_one():
    targets = np.array([[0, 0, 1], [2, 0, 0]])
    assert tasks.CROSS_ENTROPY.chance(targets, 0.0) == pytest.approx(4 / 6)
    assert tasks.CROSS_ENTROPY.chance(targets, 3.0) == pytest.approx(4 / 6 + 3 * math.sqrt(4 / 6 * 2 / 6 / 6))


def test_squared_error_explains_variance():
    targets = np.array([[1.0, -1.0], [-1.0, 1.0]], np.float32)
    outputs = np.array([[1.0, 0.0], [-2.0, 1.0]], np.float32)
    np.testing.assert_allclose(tasks.SQUARED_ERROR.losses(targets, outputs), [[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_allclose(tasks.SQUARED_ERROR.scores(targets, 0.0 * outputs), np.zeros((2, 2)))


def test_chance_level_of_a_regression_is_the_noise_of_the_explained_variance():
    rng = np.random.default_rng(1)
    n, deviations = 400, 3.0
    bound = tasks.SQUARED_ERROR.chance(np.zeros((n, 1)), deviations)
    targets = rng.normal(size=(2_000, n))
    # Random guesses, scaled so that they would explain this share of the variance if they were right.
    guesses = math.sqrt(bound) * rng.normal(size=(2_000, n))
    explained = 1.0 - ((targets - guesses) ** 2).mean(axis=1) / (targets**2).mean(axis=1)
    assert explained.std() * deviations == pytest.approx(bound, rel=0.2)


def _load(data_dir: str | None = None) -> Splits:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 4)).astype(np.float32)
    targets = inputs[:, :2] @ np.array([[1.0, 0.5], [-0.5, 1.0]], np.float32)
    targets /= targets.std()
    return Splits(*(Split(inputs[part], targets[part]) for part in (slice(200), slice(200, 250), slice(250, 300))))


def _linear() -> tf.keras.Model:
    inputs = tf.keras.Input((4,))
    return tf.keras.Model(inputs, tf.keras.layers.Dense(2)(inputs))


REGRESSION = Task("plane", "invented", _load, _linear, batch_size=20, epochs=4, objective=tasks.SQUARED_ERROR)


def test_a_regression_is_rewarded_by_its_explained_variance():
    tasks.check(REGRESSION)
    evaluator = Evaluator(REGRESSION)
    evaluation = evaluator.evaluate(parse("g"))
    assert evaluation.status == result.TRAINED
    assert evaluation.accuracy == pytest.approx(1.0, abs=1e-3)
    weights = evaluator.trainer.weights()
    assert [weight.shape for weight in weights] == [(4, 2), (2,)]
    tested = evaluator.train(parse("g"), 0.1, 0, split="test")
    kernel, bias = evaluator.trainer.weights()
    test = _load().test
    error = float(np.mean((test.inputs @ kernel + bias - test.labels) ** 2))
    assert tested.history[-1].log_likelihood == pytest.approx(-error, rel=1e-4)
    assert tested.history[-1].accuracy == pytest.approx(1.0 - error, rel=1e-5)
    assert tested.reward == pytest.approx(np.mean([math.exp(epoch.log_likelihood) for epoch in tested.history]))


def test_a_child_worse_than_the_mean_has_no_accuracy():
    evaluation = Evaluator(REGRESSION).train(parse("g"), 1e-6, 0)
    assert evaluation.history[-1].log_likelihood < -1.0
    assert evaluation.accuracy == 0.0


class _OwnCrossEntropy:
    """An independent implementation that uses TensorFlow's functions."""

    dtype = "int32"

    def losses(self, targets, outputs):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=outputs)

    def scores(self, targets, outputs):
        return tf.cast(tf.equal(tf.argmax(outputs, axis=1, output_type=tf.int32), targets), tf.float32)

    def chance(self, targets, deviations):
        rate = max(np.mean(targets == label) for label in range(10))
        return rate + deviations * math.sqrt(rate * (1 - rate) / len(targets))


def test_the_digits_give_the_same_results_with_their_own_loss():
    task = tasks.get("digits")
    own = dataclasses.replace(task, objective=_OwnCrossEntropy())
    first, second = (Evaluator(each).evaluate(parse("adam"), seed=3).replace(seconds=0.0) for each in (task, own))
    assert first == second


@pytest.mark.parametrize(
    ("outputs", "received"), [(1, r"losses \(20, 20\)"), (3, r"labels \(20,\), outputs \(20, 3\)")]
)
def test_outputs_that_do_not_fit_the_targets_are_refused(outputs, received):
    def build() -> tf.keras.Model:
        inputs = tf.keras.Input((4,))
        return tf.keras.Model(inputs, tf.keras.layers.Dense(outputs)(inputs))

    # A single output would silently broadcast against the targets.
    one_target = dataclasses.replace(REGRESSION, build_model=build, load=lambda data_dir: _one_target())
    with pytest.raises(ValueError, match=f"Received: {received}"):
        tasks.check(one_target)


def _one_target() -> Splits:
    whole = _load()
    return Splits(*(Split(part.inputs, part.labels[:, 0]) for part in (whole.train, whole.validation, whole.test)))
