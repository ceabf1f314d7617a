"""CIFAR-10 as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nos_tf.datasets.prepared import is_jpeg, load_split

_VALIDATION = 5_000


class Images(NamedTuple):
    """Images as uint8 of shape `[n, 32, 32, 3]` and their labels as int32 of shape `[n]`."""

    images: np.ndarray
    labels: np.ndarray

    def first(self, count: int | None) -> Images:
        """Returns the first `count` images, or all of them if it is None."""
        return Images(self.images[:count], self.labels[:count])


def load(data_dir: str | None = None) -> tuple[Images, Images]:
    """Loads the training set (50,000) and the test set (10,000), in their original order.

    Args:
      data_dir: TensorFlow Datasets folder; None for its default.

    Raises:
      PreparedDataError: The data is not in the folder and cannot be downloaded to it.
    """
    splits = []
    for name in ("train", "test"):
        data = load_split("cifar10", name, data_dir)
        # The stored order differs from the original one, which the ids give.
        order = np.argsort(data["id"])
        splits.append(Images(data["image"][order], data["label"][order].astype(np.int32)))
    return splits[0], splits[1]


def split(train: Images) -> tuple[Images, Images]:
    """Splits the training set into 45,000 images to train on and the last 5,000, held out for validation."""
    return Images(*(part[:-_VALIDATION] for part in train)), Images(*(part[-_VALIDATION:] for part in train))


def label(data_dir: str | None = None) -> str:
    """Describes the data in the folder: the original pixels, or a copy that was compressed as JPEG."""
    return "JPEG-recompressed CIFAR-10" if is_jpeg("cifar10", "train", "image", data_dir) else "CIFAR-10"
