"""The trainer against a plain Keras loop over the same batches."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.dsl import SearchSpace, parse
from nos_tf.dsl.primitives import OPERANDS
from nos_tf.evaluation import trainer as trainer_module
from nos_tf.evaluation.trainer import Trainer
from nos_tf.optimizers import ProgramOptimizer
from nos_tf.tasks.task import Split, Splits, Task


def _load(data_dir=None):
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(3, 6))
    labels = rng.integers(0, 3, 300)
    inputs = (centers[labels] + 0.8 * rng.normal(size=(300, 6))).astype(np.float32)
    return Splits(*(Split(inputs[part], labels[part]) for part in (slice(200), slice(200, 250), slice(250, 300))))


def _build_model():
    layers = tf.keras.layers
    inputs = tf.keras.Input((6,))
    x = layers.BatchNormalization()(layers.Dense(8, activation="relu")(inputs))
    return tf.keras.Model(inputs, layers.Dense(3, kernel_regularizer="l2")(x))


TASK = Task("blobs", "synthetic blobs", _load, _build_model, batch_size=20, epochs=2)


@pytest.fixture(scope="module")
def trainer():
    return Trainer(TASK)


def _keras_weights(trainer, program, rate, epochs, seed):
    """Returns the weights after the same training of a Keras model with `ProgramOptimizer`, batch by batch."""
    tf.keras.utils.set_random_seed(seed)
    model = _build_model()
    train = _load().train
    steps = trainer.steps_per_epoch * epochs
    optimizer = ProgramOptimizer(program, rate, total_steps=steps, seed=seed)
    loss_function = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for epoch in range(epochs):
        for batch in trainer.batches(epoch, seed):
            with tf.GradientTape() as tape:
                logits = model(train.inputs[batch], training=True)
                loss = loss_function(train.labels[batch], logits) + sum(model.losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return [weight.numpy() for weight in model.trainable_variables]


def test_a_network_without_an_input_layer_trains_like_one_with_it():
    def build():
        return tf.keras.Sequential([tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(3)])

    def build_with_input():
        return tf.keras.Sequential([tf.keras.Input((6,)), *build().layers])

    losses = []
    for make in (build, build_with_input):
        one = Trainer(dataclasses.replace(TASK, build_model=make))
        one.reset(3)
        losses.append(one.train_epoch(parse("g"), 0.1, 0, 1, 3))
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "text",
    ["g", "adam", "exp(sign(g) * sign(m)) * g", "drop(m, 0.3) * ld + 1e-2*w", "b1 = g * cd; (b1 + noise) * b1 + g"],
)
def test_trains_like_a_keras_loop(trainer, text):
    program = parse(text)
    trainer.reset(3)
    for epoch in range(2):
        assert trainer.train_epoch(program, 0.01, epoch, 2, seed=3) is not None
    for got, expected in zip(trainer.weights(), _keras_weights(trainer, program, 0.01, 2, 3), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_trains_like_a_keras_loop_for_random_programs(trainer):
    rng = np.random.default_rng(4)
    compared = 0
    for index in range(60):
        program = SearchSpace(num_groups=1 + index % 3, operands=tuple(OPERANDS)).sample(rng)
        trainer.reset(3)
        if trainer.train_epoch(program, 1e-3, 0, 1, seed=3) is None:
            continue
        got, expected = trainer.weights(), _keras_weights(trainer, program, 1e-3, 1, 3)
        moved = max(np.abs(weight).max() for weight in expected)
        if not np.isfinite(moved) or moved > 1e3:
            continue  # A training that is about to overflow amplifies rounding errors without bound.
        for a, b in zip(got, expected, strict=True):
            # Weights whose gradients are only rounding errors, such as those before batch normalization, may differ.
            assert np.mean(np.isclose(a, b, rtol=1e-3, atol=1e-5)) > 0.9, str(program)
        compared += 1
    assert compared >= 30


def test_the_same_seed_gives_the_same_numbers(trainer):
    def run(seed):
        trainer.reset(seed)
        loss = trainer.train_epoch(parse("drop(g, 0.3) + noise"), 0.1, 0, 1, seed=seed)
        return loss, trainer.score("validation")

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_restored_training_continues_as_if_uninterrupted(trainer):
    program = parse("drop(adam, 0.3) + noise")

    def epoch(number):
        return trainer.train_epoch(program, 0.1, number, 2, seed=5), trainer.score("validation")

    trainer.reset(5)
    epoch(0)
    state = trainer.state()
    expected = epoch(1)
    trainer.reset(6)
    epoch(0)
    trainer.restore(state)
    assert epoch(1) == expected


def test_parts_of_an_epoch_add_up_to_the_epoch(trainer):
    program = parse("drop(adam, 0.3) + noise")
    trainer.reset(5)
    whole = trainer.train_epoch(program, 0.1, 0, 2, seed=5)
    expected = trainer.weights()
    trainer.reset(5)
    parts = [trainer.train(program, 0.1, 0, steps, 2, seed=5) for steps in (range(3), range(3, 10))]
    for got, weight in zip(trainer.weights(), expected, strict=True):
        np.testing.assert_array_equal(got, weight)
    assert sum(parts) / 10 == pytest.approx(whole, rel=1e-6)


def test_nothing_is_traced_again(trainer):
    trainer.reset(0)
    trainer.train_epoch(parse("g"), 0.1, 0, 1, seed=0)
    trainer.score("validation")
    trainer.score("test")
    traces = trainer.traces
    for text, rate, seed in (("m", 0.5, 1), ("b1 = g * m; b1 / v", 1e-3, 2), ("noise", 3.0, 3)):
        trainer.reset(seed)
        trainer.train_epoch(parse(text), rate, 1, 4, seed=seed)
        trainer.score("validation")
    assert trainer.traces == traces


def test_a_diverged_training_stops_at_once(trainer):
    trainer.reset(0)
    before, steps = trainer.weights(), trainer.all_steps
    assert trainer.train_epoch(parse("log(1 - 1)"), 1.0, 0, 1, seed=0) is None
    # The first step makes every weight infinite or NaN, the second one notices it in the loss, and there is no third.
    assert trainer.all_steps - steps == 2
    assert not np.isfinite(trainer.weights()[0]).any()
    assert np.isfinite(before[0]).all()


def test_batch_normalization_has_the_statistics_of_the_current_weights(trainer):
    trainer.reset(0)
    trainer.train_epoch(parse("adam"), 0.02, 0, 1, seed=0)
    dense, normalization = trainer.model.layers[1], trainer.model.layers[2]
    kernel, bias = (weight.numpy() for weight in dense.weights)
    hidden = np.maximum(_load().train.inputs @ kernel + bias, 0.0)
    moving_mean, moving_variance = (weight.numpy() for weight in normalization.weights[2:])
    np.testing.assert_allclose(moving_mean, hidden.mean(axis=0), rtol=0.25, atol=0.05)
    np.testing.assert_allclose(moving_variance, hidden.var(axis=0), rtol=0.5, atol=0.1)
    # With Keras' momentum of 0.99, nine tenths of the initial variance of 1 would remain after ten steps.
    assert (
        np.abs(moving_variance - hidden.var(axis=0)).max()
        < np.abs(0.9 + 0.1 * hidden.var(axis=0) - hidden.var(axis=0)).max()
    )


@pytest.mark.parametrize("batch", [1_000, 20])
def test_scores_are_those_of_the_logits(batch, monkeypatch):
    monkeypatch.setattr(trainer_module, "_SCORING_BATCH", batch)  # The last of three batches is smaller.
    trainer = Trainer(TASK)
    trainer.reset(1)
    trainer.train_epoch(parse("g"), 0.1, 0, 1, seed=1)
    split = _load().test
    logits = trainer.model(split.inputs, training=False).numpy().astype(np.float64)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    score = trainer.score("test")
    assert score.accuracy == pytest.approx(np.mean(logits.argmax(axis=1) == split.labels))
    assert score.log_likelihood == pytest.approx(log_probabilities[np.arange(50), split.labels].mean(), rel=1e-5)


def test_chance_is_that_of_the_validation_labels():
    def load(data_dir):
        splits = _load(data_dir)
        return dataclasses.replace(splits, test=Split(splits.test.inputs, np.zeros_like(splits.test.labels)))

    share = np.bincount(_load().validation.labels).max() / 50
    assert share < 0.5
    assert Trainer(dataclasses.replace(TASK, load=load)).chance(0.0) == pytest.approx(share)


def test_the_order_of_the_examples_depends_on_the_seed(trainer):
    assert not np.array_equal(trainer.batches(0, seed=0), trainer.batches(0, seed=1))


def test_every_example_is_seen_once_per_shuffle():
    task = Task("parts", "", _load, _build_model, batch_size=20, examples_per_epoch=100)
    trainer = Trainer(task)
    assert trainer.steps_per_epoch == 5
    seen = np.concatenate([trainer.batches(epoch, seed=0).ravel() for epoch in (0, 1)])
    assert sorted(seen) == list(range(200))
    assert not np.array_equal(trainer.batches(0, seed=0), trainer.batches(2, seed=0))
