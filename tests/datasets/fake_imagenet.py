"""A prepared ImageNet folder of invented images."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.datasets import fake_prepared
from tests.datasets.fake_prepared import encoded

Record = tuple[bytes, int]


def photograph(label: int, height: int = 40, width: int = 50) -> bytes:
    """A coarse random pattern that tells images apart."""
    rng = np.random.default_rng(label)
    cells = rng.integers(0, 256, (-(-height // 10), -(-width // 10), 3), dtype=np.uint8)
    return encoded(cells.repeat(10, 0).repeat(10, 1)[:height, :width], quality=95)


def write(folder: Path, splits: Mapping[str, Sequence[Sequence[Record]]], file_format: str = "tfrecord") -> Path:
    """Writes the folder.

    Args:
      folder: What `--data_dir` names.
      splits: Records of each file of each split.
      file_format: As the metadata name it.
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
    """Training images in several files, each of another class; test images of the first classes."""
    labels = iter(range(sum(train_files)))
    train = [[(photograph(label), label) for label in itertools.islice(labels, count)] for count in train_files]
    return write(folder, {"train": train, "validation": [[(photograph(label), label) for label in range(test)]]})
