"""Prepared TensorFlow Datasets folders with made-up records."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

_FEATURES = "tensorflow_datasets.core.features"
TEXT = {"pythonClassName": f"{_FEATURES}.text_feature.Text", "text": {}}


def image(encoding: str, height: str, width: str) -> dict[str, Any]:
    """Feature description of an RGB image; "-1" means any height or width."""
    shape = {"dimensions": [height, width, "3"]}
    content = {"dtype": "uint8", "encodingFormat": encoding, "shape": shape}
    return {"pythonClassName": f"{_FEATURES}.image_feature.Image", "image": content}


def label(classes: int) -> dict[str, Any]:
    """Feature description of a class label."""
    content = {"numClasses": str(classes)}
    return {"pythonClassName": f"{_FEATURES}.class_label_feature.ClassLabel", "classLabel": content}


def encoded(pixels: np.ndarray, mode: str = "RGB", image_format: str = "JPEG", **options: Any) -> bytes:
    """Encodes pixels as an image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, image_format, **options)
    return file.getvalue()


def write(
    folder: Path,
    name: str,
    version: str,
    features: Mapping[str, Mapping[str, Any]],
    splits: Mapping[str, Sequence[Sequence[Mapping[str, bytes | int]]]],
    file_format: str = "tfrecord",
) -> Path:
    """Writes a folder for `--data_dir`.

    Args:
      folder: The folder.
      name: Name of the dataset.
      version: Version of the dataset.
      features: Feature descriptions by name.
      splits: Records of each file, by split.
      file_format: File format named in the metadata.
    """
    prepared = folder / name / version
    prepared.mkdir(parents=True)
    described = []
    for split, files in splits.items():
        for index, records in enumerate(files):
            path = prepared / f"{name}-{split}.tfrecord-{index:05d}-of-{len(files):05d}"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for record in records:
                    values = {key: _feature(value) for key, value in record.items()}
                    writer.write(tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString())
        described.append(
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": str(sum(len(record["image"]) for records in files for record in records)),
                "shardLengths": [str(len(records)) for records in files],
            }
        )
    info = {
        "fileFormat": file_format,
        "moduleName": f"tensorflow_datasets.datasets.{name}.{name}_dataset_builder",
        "name": name,
        "splits": described,
        "version": version,
    }
    dictionary = {
        "pythonClassName": f"{_FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {"features": dict(features)},
    }
    (prepared / "dataset_info.json").write_text(json.dumps(info))
    (prepared / "features.json").write_text(json.dumps(dictionary))
    return folder


def _feature(value: bytes | int) -> tf.train.Feature:
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
