"""ImageNet (ILSVRC 2012) as streams of batches, from the JPEG files of a prepared TensorFlow Datasets folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nos_tf.datasets import labeled, photographs
from nos_tf.datasets.prepared import PreparedDataError, builder
from nos_tf.datasets.stream import shared_batch

NAME = "imagenet2012"
CLASSES = 1000
_TRAIN, _TEST = 1_281_167, 50_000
_ORIGINAL_BYTES = 80_000  # Of an image, in the mean: the original has 110,000, a copy of 256 pixels a side 20,000.
_PARALLEL_FILES = 16
_SAMPLE = 20_000  # Images whose labels are read in a second.
_SHUFFLED = 16_384  # Encoded images that are held in memory to be shuffled: 2 GB.


class Part(NamedTuple):
    """A part of a split.

    Attributes:
      files: Path, records to skip and records to take (-1 for all others) of each TFRecord file.
      examples: How many there are.
    """

    files: tuple[tuple[str, int, int], ...]
    examples: int


@dataclasses.dataclass(frozen=True)
class ImageNet:
    """The images, still encoded on disk.

    Attributes:
      train: Images that are trained on.
      val: Images that are held out of the training set to choose the learning rate; None where nothing is chosen.
      test: The 50,000 images of ImageNet's own validation set, which choose nothing.
      label: What the data are.
      read: Makes an encoded image and its label from a record.
    """

    train: Part
    val: Part | None
    test: Part
    label: str
    read: Callable[[tf.Tensor], dict[str, tf.Tensor]]

    @classmethod
    def load(cls, data_dir: str | None, val_examples: int = 0) -> ImageNet:
        """Finds the files.

        Args:
          data_dir: TensorFlow Datasets folder; None for its default.
          val_examples: Images of the training set that are held out, the last ones.

        Raises:
          PreparedDataError: The data are not prepared, or not completely, or in another file format.
        """
        import tensorflow_datasets as tfds

        found = builder(NAME, data_dir)
        splits = found.info.splits
        missing = [split for split in ("train", "validation") if split not in splits]
        if missing:
            raise PreparedDataError(
                f"{NAME} was prepared without its split {missing[0]!r}; prepare it with both. "
                f"Received: {found.data_path}"
            )
        if found.info.file_format != tfds.core.FileFormat.TFRECORD:
            raise PreparedDataError(
                f"{NAME} must be prepared as TFRecord files. Received: {found.info.file_format.value} in "
                f"{found.data_path}"
            )
        examples = splits["train"].num_examples
        if not 0 <= val_examples < examples:
            raise PreparedDataError(
                f"Fewer images than the {examples:,} of the training set can be held out. Received: {val_examples}"
            )
        decoders = {"image": tfds.decode.SkipDecoding()}
        return cls(
            _part(splits[f"train[:{examples - val_examples}]"]),
            _part(splits[f"train[{examples - val_examples}:]"]) if val_examples else None,
            _part(splits["validation"]),
            _label(splits),
            lambda record: found.info.features.deserialize_example(record, decoders=decoders),
        )

    def check(self) -> None:
        """Refuses labels of other classes than ImageNet's, and warns of classes that a part lacks.

        Labels are read of a sample alone: with every image of the whole set, that would take as long as an epoch.

        Raises:
          ValueError: One line names the part, the first bad row, and what to do.
        """
        parts = {"train": self.train, "test": self.test} | ({"val": self.val} if self.val else {})
        if sum(part.examples for part in parts.values()) <= _SAMPLE:
            labeled.check_classes({name: self._labels(part) for name, part in parts.items()}, CLASSES)

    @property
    def scale(self) -> dict[str, int]:
        """Sizes of the parts, as a run's results state them."""
        parts = {"train": self.train, "test": self.test} | ({"val": self.val} if self.val else {})
        return {f"{name}_examples": part.examples for name, part in parts.items()}

    def batches(
        self,
        batch_size: int,
        size: int,
        augment: bool,
        seed: int,
        first_step: int,
        host: tf.distribute.InputContext | None = None,
    ) -> tf.data.Dataset:
        """Endless training batches: float32 `[batch_size, size, size, 3]` from -1 to 1, and labels `[batch_size]`.

        Every epoch has an order of its own, and leaves out what fills no batch. Order and augmentation depend on the
        seed and the step alone: not on the step that it begins with, and not on the number of hosts.

        Args:
          batch_size: Images of a step, over all hosts.
          size: Pixels of a side.
          augment: Whether to crop, mirror and color at random; else each image gives its middle.
          seed: Fixes orders and augmentation.
          first_step: Number of the first batch; the images before it are read from disk, not decoded.
          host: Which host of how many decodes its share, in batches for one replica; by default one has it all.
        """
        steps = self.train.examples // batch_size
        epochs = tf.data.Dataset.range(first_step // steps, np.iinfo(np.int64).max)

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            return self._shuffled(seed, number).take(steps * batch_size)

        def ready(index: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            example = self.read(record)
            if not augment:
                return photographs.center_crop(example["image"], size), example["label"]
            own_seed = tf.stack([tf.constant(seed, tf.int64), index])
            return photographs.random_crop(example["image"], size, own_seed), example["label"]

        stream = epochs.flat_map(epoch).skip(first_step % steps * batch_size).enumerate(first_step * batch_size)
        if host is not None:
            stream = stream.shard(host.num_input_pipelines, host.input_pipeline_id)
            batch_size = host.get_per_replica_batch_size(batch_size)
        return _batched(stream, ready, batch_size, drop_remainder=True)

    def evaluations(self, batch_size: int, size: int, replicas: int = 1) -> dict[str, tf.data.Dataset]:
        """The middle of each image of validation, where there is one, and test.

        Args:
          batch_size: Most images of a step.
          size: Pixels of a side.
          replicas: How many share each batch; each gets images of every one where that can be.
        """

        def ready(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            example = self.read(record)
            return photographs.center_crop(example["image"], size), example["label"]

        def batches(part: Part) -> tf.data.Dataset:
            own_size = shared_batch(part.examples, batch_size, replicas)
            known = tf.data.experimental.assert_cardinality(-(-part.examples // own_size))
            return _batched(_records(_tensors(part)), ready, own_size, drop_remainder=False).apply(known)

        parts = {"val": self.val, "test": self.test}
        return {name: batches(part) for name, part in parts.items() if part is not None}

    def _labels(self, part: Part) -> np.ndarray:
        labels = _records(_tensors(part)).map(lambda record: self.read(record)["label"])
        return np.array(list(labels.as_numpy_iterator()))

    def _shuffled(self, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
        """Records of one epoch."""
        tf.random.set_seed(1)  # Of this graph: the global seed must play no part, and its 0 fails with a tensor below.
        paths, skips, takes = _tensors(self.train)
        both = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(self.train.files)), both)
        records = _records((tf.gather(paths, order), tf.gather(skips, order), tf.gather(takes, order)))
        own = tf.random.stateless_uniform([], both, minval=None, maxval=None, dtype=tf.int64)
        return records.shuffle(min(_SHUFFLED, self.train.examples), seed=own)


def _tensors(part: Part) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    paths, skips, takes = zip(*part.files, strict=True)
    return tf.constant(paths), tf.constant(skips, tf.int64), tf.constant(takes, tf.int64)


def _records(files: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(files).interleave(
        lambda path, skip, take: tf.data.TFRecordDataset(path).skip(skip).take(take),
        cycle_length=_PARALLEL_FILES,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _batched(
    stream: tf.data.Dataset, ready: Callable[..., Any], batch_size: int, drop_remainder: bool
) -> tf.data.Dataset:
    options = tf.data.Options()
    # Where a strategy shares a stream among hosts, then by its batches: of a single file, one host would get all.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return (
        stream.map(ready, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=drop_remainder)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )


def _part(split: Any) -> Part:
    files = tuple((str(one.filename), one.skip, one.take) for one in split.file_instructions)
    lost = [path for path, *_ in files if not os.path.exists(path)]
    if lost:
        raise PreparedDataError(f"{len(lost)} of {len(files)} files of {NAME} are missing. Received: no file {lost[0]}")
    return Part(files, split.num_examples)


def _label(splits: Any) -> str:
    train, test = splits["train"], splits["validation"]
    if (train.num_examples, test.num_examples) != (_TRAIN, _TEST):
        return f"a sample of ImageNet: {train.num_examples:,} images to train, {test.num_examples:,} to test"
    return "ImageNet" if train.num_bytes > _ORIGINAL_BYTES * _TRAIN else "ImageNet, images made smaller"
