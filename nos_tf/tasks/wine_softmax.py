"""Tabular data and a convex loss: scikit-learn's wine table, 178 wines from three growers with 13 measurements each."""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf.tasks import splitting
from nos_tf.tasks.task import Splits, register

_TRAIN, _VALIDATION = 70, 54  # Of 178; the other 54 are the test split.


def load(data_dir: str | None = None) -> Splits:
    """The table in a fixed random order, with standardized columns."""
    del data_dir  # The table is part of scikit-learn.
    import sklearn.datasets

    inputs, labels = splitting.shuffled(*sklearn.datasets.load_wine(return_X_y=True))
    return splitting.splits(splitting.z_scores(inputs, _TRAIN), labels.astype(np.int32), _TRAIN, _VALIDATION)


def build_model() -> Any:
    """Softmax regression: one linear layer."""
    import tensorflow as tf

    inputs = tf.keras.Input((13,))
    return tf.keras.Model(inputs, tf.keras.layers.Dense(3)(inputs))


register(
    "wine_softmax",
    load,
    build_model,
    data_label="scikit-learn's wine table (178 rows of 13 columns)",
    batch_size=5,
    epochs=2,
)
