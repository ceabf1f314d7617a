"""A prepared ImageNet folder of invented images."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

Record = tuple[bytes, int]


def encoded(pixels: np.ndarray, mode: str = "RGB", image_format: str = "JPEG", **options: Any) -> bytes:
    """An image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, image_format, **options)
    return file.getvalue()


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
    version = folder / "imagenet2012" / "5.1.0"
    version.mkdir(parents=True)
    described = []
    for split, files in splits.items():
        for index, records in enumerate(files):
            path = version / f"imagenet2012-{split}.tfrecord-{index:05d}-of-{len(files):05d}"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for number, (image, label) in enumerate(records):
                    features = {
                        "file_name": tf.train.Feature(
                            bytes_list=tf.train.BytesList(value=[f"{index}_{number}.JPEG".encode()])
                        ),
                        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
                        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                    }
                    writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
        described.append(
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": str(sum(len(image) for records in files for image, _ in records)),
                "shardLengths": [str(len(records)) for records in files],
            }
        )
    info = {
        "fileFormat": file_format,
        "moduleName": "tensorflow_datasets.datasets.imagenet2012.imagenet2012_dataset_builder",
        "name": "imagenet2012",
        "splits": described,
        "version": "5.1.0",
    }
    kind = "tensorflow_datasets.core.features"
    features = {
        "file_name": {"pythonClassName": f"{kind}.text_feature.Text", "text": {}},
        "image": {
            "pythonClassName": f"{kind}.image_feature.Image",
            "image": {"dtype": "uint8", "encodingFormat": "jpeg", "shape": {"dimensions": ["-1", "-1", "3"]}},
        },
        "label": {
            "pythonClassName": f"{kind}.class_label_feature.ClassLabel",
            "classLabel": {"numClasses": "1000"},
        },
    }
    described_features = {
        "pythonClassName": f"{kind}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }
    (version / "dataset_info.json").write_text(json.dumps(info))
    (version / "features.json").write_text(json.dumps(described_features))
    return folder


def small(folder: Path, train_files: Sequence[int] = (9, 4, 10), test: int = 5) -> Path:
    """Training images in several files, each of another class; test images of the first classes."""
    labels = iter(range(sum(train_files)))
    train = [[(photograph(label), label) for label in itertools.islice(labels, count)] for count in train_files]
    return write(folder, {"train": train, "validation": [[(photograph(label), label) for label in range(test)]]})
