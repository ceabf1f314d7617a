"""Regression on a noisy table: scikit-learn's diabetes data, 442 patients, 10 measurements, progress after a year."""

from __future__ import annotations

from typing import Any

from nos_tf.tasks import splitting
from nos_tf.tasks.objective import SQUARED_ERROR
from nos_tf.tasks.task import Splits, register

_TRAIN, _VALIDATION = 200, 142  # Of 442; the other 100 are the test split.
_UNITS = 32


def load(data_dir: str | None = None) -> Splits:
    """The table in a fixed random order, with standardized columns and targets."""
    del data_dir  # The table is part of scikit-learn.
    import sklearn.datasets

    inputs, targets = splitting.shuffled(*sklearn.datasets.load_diabetes(return_X_y=True))
    targets = splitting.standardized(targets[:, None], _TRAIN)
    return splitting.splits(splitting.z_scores(inputs, _TRAIN), targets, _TRAIN, _VALIDATION)


def build_model() -> Any:
    """One hidden layer of tanh units."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((10,))
    return tf.keras.Model(inputs, layers.Dense(1)(layers.Dense(_UNITS, activation="tanh")(inputs)))


register(
    "diabetes_mlp",
    load,
    build_model,
    data_label="scikit-learn's diabetes table (442 rows of 10 columns)",
    batch_size=10,
    epochs=2,
    objective=SQUARED_ERROR,
)
