"""Tabular data: scikit-learn's breast cancer table, 569 tumors with 30 measurements each, benign or malignant."""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf.tasks import splitting
from nos_tf.tasks.task import Splits, register

_TRAIN, _VALIDATION = 250, 200  # Of 569; the other 119 are the test split.
_LAYERS, _UNITS = 5, 16


def load(data_dir: str | None = None) -> Splits:
    """The table in a fixed random order, with standardized columns."""
    del data_dir  # The table is part of scikit-learn.
    import sklearn.datasets

    inputs, labels = splitting.shuffled(*sklearn.datasets.load_breast_cancer(return_X_y=True))
    return splitting.splits(splitting.z_scores(inputs, _TRAIN), labels.astype(np.int32), _TRAIN, _VALIDATION)


def build_model() -> Any:
    """Five hidden layers, which is deep for such a table and therefore slower to learn."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((30,))
    x = inputs
    for _ in range(_LAYERS):
        x = layers.Dense(_UNITS, activation="relu")(x)
    return tf.keras.Model(inputs, layers.Dense(2)(x))


register(
    "breast_cancer_mlp",
    load,
    build_model,
    data_label="scikit-learn's breast cancer table (569 rows of 30 columns)",
    batch_size=10,
    epochs=1,
)
