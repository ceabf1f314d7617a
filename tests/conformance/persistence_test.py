"""Configurations, checkpoints and saved models: restored optimizers continue bit for bit."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.subjects import FAST, SUBJECTS, over_groups, over_subjects
from tests.conformance.training import RATE, Training, assert_equal, plain


@over_groups
def test_config_makes_the_same_optimizer(names: Sequence[str]) -> None:
    arguments = {"clipnorm": 1.5, "weight_decay": 0.25, "name": "mine"}

    def clone(name: str) -> tf.keras.optimizers.Optimizer:
        optimizer = SUBJECTS[name](learning_rate=RATE, **arguments)
        config = optimizer.get_config()
        again = type(optimizer).from_config(json.loads(json.dumps(config, default=float)))
        assert again.get_config() == config
        assert config["name"] == "mine"
        serialized = tf.keras.optimizers.serialize(optimizer)
        return tf.keras.optimizers.deserialize(json.loads(json.dumps(serialized, default=float)))

    one, other = Training(names, **arguments), Training(names, make=clone)
    assert_equal(names, other.run(range(2)), one.run(range(2)))


@over_groups
def test_checkpoint_continues_bit_for_bit(names: Sequence[str], tmp_path: pathlib.Path) -> None:
    def checkpoint(training: Training) -> tf.train.Checkpoint:
        return tf.train.Checkpoint(optimizers=training.optimizers, weights=training.weights)

    one, other = plain(names), Training(names)
    one.run(range(3))
    path = checkpoint(one).write(str(tmp_path / "checkpoint"))
    one.run(range(3, 6))
    other.run(range(10, 11))
    checkpoint(other).read(path).assert_consumed()
    other.run(range(3, 6))
    assert_equal(names, other.states(), one.states())


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.standard_normal([8, 3]).astype(np.float32), rng.standard_normal([8, 1]).astype(np.float32)


def model(name: str, dtype: str = "float32") -> tf.keras.Model:
    tf.keras.utils.set_random_seed(3)
    inputs = tf.keras.Input([3])
    result = tf.keras.Model(inputs, tf.keras.layers.Dense(1, dtype=dtype)(inputs))
    result.compile(SUBJECTS[name](learning_rate=0.05), "mse", jit_compile=False)
    return result


@over_subjects
def test_saved_model_continues_bit_for_bit(name: str, tmp_path: pathlib.Path) -> None:
    one, path = model(name), tmp_path / "model.keras"
    before = one.get_weights()
    fit = {"x": data()[0], "y": data()[1], "batch_size": 4, "shuffle": False, "verbose": 0}
    one.fit(**fit)
    one.save(path)
    other = tf.keras.models.load_model(path)
    assert type(other.optimizer) is type(one.optimizer)
    # Some random rules, such as `0 * g`, never move; those in the zoo must.
    assert name.startswith("random") or any((a != b).any() for a, b in zip(before, one.get_weights(), strict=True))
    one.fit(**fit)
    other.fit(**fit)
    assert_equal([name], [other.get_weights()], [one.get_weights()])
    assert_equal(
        [name],
        [[v.numpy() for v in other.optimizer.variables]],
        [[v.numpy() for v in one.optimizer.variables]],
    )


@pytest.mark.parametrize("name", FAST[:2])
def test_fit_in_mixed_precision(name: str) -> None:
    mixed, plain = model(name, dtype="mixed_float16"), model(name)
    mixed.compile(
        tf.keras.mixed_precision.LossScaleOptimizer(SUBJECTS[name](learning_rate=0.05), initial_scale=256.0), "mse"
    )
    for network in (mixed, plain):
        network.fit(*data(), batch_size=4, epochs=2, shuffle=False, verbose=0)
    for weight, other in zip(mixed.get_weights(), plain.get_weights(), strict=True):
        assert weight.dtype == np.float32
        np.testing.assert_allclose(weight, other, atol=0.01)
