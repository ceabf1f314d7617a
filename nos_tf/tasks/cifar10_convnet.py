"""The paper's own task, a small ConvNet on CIFAR-10, and a cheaper one on 16x16 images that ranks rules similarly.

Source: Bello et al. (2017), section 5.1: 10,000 training examples per epoch, 5,000 held out for validation, batches of
100.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf.tasks.task import Split, Splits, register


def load(data_dir: str | None = None) -> Splits:
    """CIFAR-10: 45,000 images for training, 5,000 for validation, 10,000 for testing."""
    from nos_tf.datasets import cifar10

    train, test = cifar10.load(data_dir)
    train, validation = cifar10.split(train)
    return Splits(Split(*train), Split(*validation), Split(*test))


def load_small(data_dir: str | None = None) -> Splits:
    """CIFAR-10 at 16x16: each pixel is the mean of four."""
    splits = load(data_dir)

    def halved(split: Split) -> Split:
        count, height, width, channels = split.inputs.shape
        blocks = split.inputs.reshape(count, height // 2, 2, width // 2, 2, channels)
        return Split(np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8), split.labels)

    return Splits(halved(splits.train), halved(splits.validation), halved(splits.test))


def build_model() -> Any:
    """The paper's child network."""
    from nos_tf.models import convnet

    return convnet.build((32, 32, 3), num_classes=10, filters=32, scale=1 / 255)


def build_small_model() -> Any:
    """The same network on 16x16 images with half the filters."""
    from nos_tf.models import convnet

    return convnet.build((16, 16, 3), num_classes=10, filters=16, scale=1 / 255)


def label(data_dir: str | None = None) -> str:
    """Describes the data in the folder."""
    from nos_tf.datasets import cifar10

    return cifar10.label(data_dir)


def small_label(data_dir: str | None = None) -> str:
    """Describes the data in the folder, at reduced size."""
    return f"{label(data_dir)} at 16x16"


register("cifar10_convnet", load, build_model, label, examples_per_epoch=10_000)
register("cifar10_small", load_small, build_small_model, small_label, examples_per_epoch=10_000)
