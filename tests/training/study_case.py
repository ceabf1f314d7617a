"""A tiny study that runs in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from nos_tf import optimizers
from nos_tf.datasets.stream import array_batches
from nos_tf.training.experiment import Experiment
from nos_tf.training.files import Row
from nos_tf.training.study import Plan, Study

_RNG = np.random.default_rng(0)
INPUTS = _RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = (INPUTS[:, 0] * INPUTS[:, 1] > 0).astype(np.int32)


def build_model(seed: int) -> tf.keras.Model:
    """Builds a model with batch normalization and dropout, whose state is easily lost when resuming."""
    layers = tf.keras.layers
    inputs = tf.keras.Input((4,))
    x = layers.BatchNormalization()(layers.Dense(8, activation="relu")(inputs))
    x = layers.Dropout(0.3, seed=seed)(x)
    return tf.keras.Model(inputs, layers.Dense(2)(x))


def experiment(epochs: int = 4, **changes: Any) -> Experiment:
    """Creates an experiment with epochs of ten steps on 50 points; ten others are both validation and test data."""
    held_out = tf.data.Dataset.from_tensor_slices((INPUTS[50:], LABELS[50:])).batch(4)

    def noisy(batch: dict[str, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return batch["x"] + tf.random.stateless_normal(tf.shape(batch["x"]), seed) * 0.01, batch["y"]

    arrays = {"x": INPUTS[:50], "y": LABELS[:50]}
    settings: dict[str, Any] = {
        "name": "case",
        "dataset": "invented points",
        "scale": {"epochs": epochs},
        "build_model": build_model,
        "loss": lambda: tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": lambda: [tf.keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        "batches": lambda seed, first_step: array_batches(arrays, 5, seed, first_step, noisy),
        "evaluations": {"val": held_out, "test": held_out},
        "objective": "val_accuracy",
        "steps_per_epoch": 10,
        "epochs": epochs,
        "examples_per_step": 5,
    }
    return Experiment(**(settings | changes))


def experiment_for_replicas(epochs: int) -> Experiment:
    """Creates an experiment with epochs of six steps, which gives the same results on one or two replicas."""

    def build(seed: int) -> tf.keras.Model:
        del seed
        layers = tf.keras.layers
        return tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(2)])

    def batches(seed: int, first_step: int) -> tf.data.Dataset:
        arrays = {"x": INPUTS[:48], "y": LABELS[:48]}
        return array_batches(arrays, 8, seed, first_step, lambda batch, _: (batch["x"], batch["y"]))

    return experiment(epochs, build_model=build, batches=batches, steps_per_epoch=6)


def plan(names: tuple[str, ...] = ("adam", "powersign-cd"), rates: tuple[float, ...] = (0.01, 0.1)) -> Plan:
    """Creates a plan with two optimizers, two rates and two seeds."""
    return Plan(
        names,
        lambda name, rate, steps: optimizers.get(name, learning_rate=rate, total_steps=steps),
        dict.fromkeys(names),
        rates,
        (3, 4),
    )


def numbers(study: Study) -> dict[tuple[str, float, int], tuple[str | None, dict[str, float], list[Row]]]:
    """Returns everything that must not depend on when a study was stopped."""
    from nos_tf.training.files import HISTORY, read_rows

    return {
        key: (one.status, dict(one.metrics), read_rows(one.folder(study.folder) / HISTORY))
        for key, one in study.trainings.items()
    }
