"""Image to image: a small ConvNet removes noise from pieces of two photographs, with a squared error."""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf.tasks import splitting
from nos_tf.tasks.objective import SQUARED_ERROR
from nos_tf.tasks.task import Splits, register

_SIZE = 8  # Pixels per side.
_TRAIN, _VALIDATION, _TEST = 800, 300, 300
_NOISE = 0.5  # In standard deviations of the pixels.
_FILTERS = 12


def load(data_dir: str | None = None) -> Splits:
    """1,400 pieces of scikit-learn's two photographs, with and without Gaussian noise."""
    del data_dir  # The photographs are part of scikit-learn.
    import sklearn.datasets

    photographs = np.stack(sklearn.datasets.load_sample_images().images).astype(np.float64)
    count, height, width, colors = photographs.shape
    height, width = height // _SIZE, width // _SIZE
    blocks = photographs[:, : height * _SIZE, : width * _SIZE].reshape(count, height, _SIZE, width, _SIZE, colors)
    (pieces,) = splitting.shuffled(blocks.swapaxes(2, 3).reshape(-1, _SIZE, _SIZE, colors))
    targets = splitting.standardized(pieces[: _TRAIN + _VALIDATION + _TEST], _TRAIN)
    noise = np.random.default_rng(0).normal(0.0, _NOISE, targets.shape).astype(np.float32)
    return splitting.splits(targets + noise, targets, _TRAIN, _VALIDATION)


def build_model() -> Any:
    """Three 3x3 convolutions."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((_SIZE, _SIZE, 3))
    x = inputs
    for _ in range(2):
        x = layers.Conv2D(_FILTERS, 3, padding="same", activation="relu")(x)
    return tf.keras.Model(inputs, layers.Conv2D(3, 3, padding="same")(x))


register(
    "photo_denoising",
    load,
    build_model,
    data_label="1,400 pieces of scikit-learn's two photographs, under noise",
    batch_size=50,
    epochs=2,
    objective=SQUARED_ERROR,
)
