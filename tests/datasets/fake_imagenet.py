"""A prepared ImageNet folder with made-up images."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.datasets import fake_prepared
from tests.datasets.fake_prepared import encoded

Record = tuple[bytes, int]


def photograph(label: int, height: int = 40, width: int = 50) -> bytes:
    """A JPEG with a coarse random pattern that is unique to the label."""
    rng = np.random.default_rng(label)
    cells = rng.integers(0, 256, (-(-height // 10), -(-width // 10), 3), dtype=np.uint8)
    return encoded(cells.repeat(10, 0).repeat(10, 1)[:height, :width], quality=95)


def write(folder: Path, splits: Mapping[str, Sequence[Sequence[Record]]], file_format: str = "tfrecord") -> Path:
    """Writes the folder.

    Args:
      folder: Folder for `--data_dir`.
      splits: Records of each file, by split.
      file_format: File format named in the metadata.
    """
    records = {
        split: [
            [
                {"file_name": f"{index}_{number}.JPEG".encode(), "image": image, "label": label}
                for number, (image, label) in enumerate(file)
            ]
            for index, file in enumerate(files)
        ]
        for split, files in splits.items()
    }
    features = {
        "file_name": fake_prepared.TEXT,
        "image": fake_prepared.image("jpeg", "-1", "-1"),
        "label": fake_prepared.label(1000),
    }
    return fake_prepared.write(folder, "imagenet2012", "5.1.0", features, records, file_format)


def small(folder: Path, train_files: Sequence[int] = (9, 4, 10), test: int = 5) -> Path:
    """Writes training images in several files, each image with its own class, and test images of the first classes."""
    labels = iter(range(sum(train_files)))
    train = [[(photograph(label), label) for label in itertools.islice(labels, count)] for count in train_files]
    return write(folder, {"train": train, "validation": [[(photograph(label), label) for label in range(test)]]})
