"""The default task: scikit-learn's bundled handwritten digits, 1,797 real 8x8 images, and a small ConvNet."""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf.tasks import splitting
from nos_tf.tasks.task import Splits, register

DATA_LABEL = "scikit-learn's handwritten digits (1,797 images of 8x8)"

_TRAIN, _VALIDATION = 700, 700  # Of 1,797; the other 397 are the test split.


def load(data_dir: str | None = None) -> Splits:
    """The digits in a fixed random order: 700 for training, 700 for validation, 397 for testing."""
    del data_dir  # The images are part of scikit-learn.
    import sklearn.datasets

    images, labels = sklearn.datasets.load_digits(return_X_y=True)
    images, labels = splitting.shuffled(images.astype(np.uint8).reshape(-1, 8, 8, 1), labels.astype(np.int32))
    return splitting.splits(images, labels, _TRAIN, _VALIDATION)


def build_model() -> Any:
    """The paper's child network on 8x8 images."""
    from nos_tf.models import convnet

    return convnet.build((8, 8, 1), num_classes=10, filters=16, scale=1 / 16)


register(
    "digits",
    load,
    build_model,
    data_label=DATA_LABEL,
    batch_size=50,
    epochs=2,  # More would make the reward less reliable among good rules (docs/results/reward_study.md).
)
