"""Reads prepared TensorFlow Datasets folders and says clearly what is missing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from nos_tf.common.errors import first_line
from nos_tf.common.tensorflow_loading import load_quietly


class PreparedDataError(ValueError):
    """Raised for a data set that is not prepared and cannot be prepared."""


def builder(name: str, data_dir: str | None = None) -> Any:
    """Returns the TensorFlow Datasets builder of a prepared data set, which is downloaded first if it is missing.

    Args:
      name: Name of the data set, such as `"cifar10"`.
      data_dir: TensorFlow Datasets folder; None for its default.

    Raises:
      PreparedDataError: The folder does not exist, or the data is not in it and cannot be downloaded.
    """
    if data_dir is not None and not os.path.isdir(data_dir):
        raise PreparedDataError(f"The data folder does not exist; check its path. Received: {data_dir!r}")
    load_quietly()
    import tensorflow_datasets as tfds

    prepared = tfds.builder(name, data_dir=data_dir)
    if not os.path.isdir(prepared.data_path):
        try:
            prepared.download_and_prepare()
        except Exception as error:  # The network, the disk or a server can raise anything.
            reason = (str(error).splitlines() or [""])[0][:120]
            raise PreparedDataError(
                f"{name} is not prepared in {data_dir or 'the default folder'} and cannot be downloaded "
                f"({type(error).__name__}: {reason}); pass a TensorFlow Datasets folder that contains it. "
                f"Received: data_dir={data_dir!r}"
            ) from error
    return prepared


def load_split(name: str, split: str, data_dir: str | None = None) -> dict[str, np.ndarray]:
    """Loads a whole split as arrays, by feature.

    Raises:
      PreparedDataError: The data is not in the folder and cannot be downloaded to it, or is damaged.
    """
    import tensorflow_datasets as tfds

    prepared = builder(name, data_dir)
    with reading(name):
        return tfds.as_numpy(prepared.as_dataset(split=split, batch_size=-1))


def is_jpeg(name: str, split: str, feature: str, data_dir: str | None = None) -> bool:
    """Returns whether the images of a split are stored as JPEG, which loses detail, judging by the first one."""
    import tensorflow_datasets as tfds

    raw = builder(name, data_dir).as_dataset(split=split, decoders={feature: tfds.decode.SkipDecoding()}).take(1)
    with reading(name):
        return next(iter(tfds.as_numpy(raw)))[feature].startswith(b"\xff\xd8")


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Context in which records of a data set are read.

    Raises:
      PreparedDataError: One of its files is damaged.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.DataLossError as error:
        raise PreparedDataError(
            f"A file of {name} is damaged; prepare the data set again. Received: {first_line(error)}"
        ) from None
