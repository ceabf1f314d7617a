"""ImageNet (ILSVRC 2012) as streams of batches, from the JPEG files of a prepared TensorFlow Datasets folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nos_tf.datasets import labeled, photographs
from nos_tf.datasets.prepared import PreparedDataError, builder, reading
from nos_tf.datasets.stream import shared_batch

NAME = "imagenet2012"
CLASSES = 1000
_TRAIN, _TEST = 1_281_167, 50_000
_ORIGINAL_BYTES = 80_000  # Mean per image: the original has 110,000, a copy with 256 pixels per side 20,000.
_PARALLEL_FILES = 16
_SAMPLE = 20_000  # Number of images whose labels can be read in a second.
_SHUFFLED = 16_384  # Encoded images held in memory for shuffling: 2 GB.


class Part(NamedTuple):
    """A part of a split.

    Attributes:
      files: Path, records to skip and records to take (-1 for all others) for each TFRecord file.
      examples: Number of examples.
    """

    files: tuple[tuple[str, int, int], ...]
    examples: int


@dataclasses.dataclass(frozen=True)
class ImageNet:
    """The images, still encoded on disk.

    Attributes:
      train: Training images.
      val: Images held out of the training set to choose the learning rate; None if nothing is chosen.
      test: The 50,000 images of ImageNet's own validation set, which are not used to choose anything.
      label: Description of the data.
      read: Function that turns a record into an encoded image and its label.
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
          val_examples: Number of training images to hold out, from the last.

        Raises:
          PreparedDataError: The data is not prepared, is incomplete, or is in another file format.
        """
        import tensorflow_datasets as tfds

        prepared = builder(NAME, data_dir)
        splits = prepared.info.splits
        missing = [split for split in ("train", "validation") if split not in splits]
        if missing:
            raise PreparedDataError(
                f"{NAME} was prepared without its split {missing[0]!r}; prepare it with both. "
                f"Received: {prepared.data_path}"
            )
        if prepared.info.file_format != tfds.core.FileFormat.TFRECORD:
            raise PreparedDataError(
                f"{NAME} must be prepared as TFRecord files. Received: {prepared.info.file_format.value} in "
                f"{prepared.data_path}"
            )
        examples = splits["train"].num_examples
        if not 0 <= val_examples < examples:
            raise PreparedDataError(
                f"Hold out fewer images than the {examples:,} in the training set. Received: {val_examples}"
            )
        decoders = {"image": tfds.decode.SkipDecoding()}
        return cls(
            _part(splits[f"train[:{examples - val_examples}]"]),
            _part(splits[f"train[{examples - val_examples}:]"]) if val_examples else None,
            _part(splits["validation"]),
            _label(splits),
            lambda record: prepared.info.features.deserialize_example(record, decoders=decoders),
        )

    def check_data(self) -> None:
        """Rejects labels other than ImageNet's classes, and warns about classes that a part lacks.

        Does nothing for the whole set, where reading every label would take as long as an epoch.

        Raises:
          ValueError: One line names the part, the first bad row, and what to do.
        """
        parts = {"train": self.train, "test": self.test} | ({"val": self.val} if self.val else {})
        if sum(part.examples for part in parts.values()) <= _SAMPLE:
            labeled.check_classes({name: self._labels(part) for name, part in parts.items()}, CLASSES)

    @property
    def scale(self) -> dict[str, int]:
        """Sizes of the parts, as stated in a run's results."""
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
        """Returns endless batches: float32 `[batch_size, size, size, 3]` from -1 to 1, and labels `[batch_size]`.

        Every epoch has its own order and leaves out images that do not fill a batch. Order and augmentation depend only
        on the seed and the step, not on the first step or the number of hosts.

        Args:
          batch_size: Images per step, over all hosts.
          size: Pixels per side.
          augment: Whether to crop, mirror and recolor images at random; otherwise, they are center-cropped.
          seed: Seed of the order and the augmentation.
          first_step: Number of the first batch; the images before it are read from disk but not decoded.
          host: Context of this host among several. It decodes only its share of the images, in batches for one replica;
            by default, there is a single host.
        """
        steps = self.train.examples // batch_size
        epochs = tf.data.Dataset.range(first_step // steps, np.iinfo(np.int64).max)

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            return self._shuffled(seed, number).take(steps * batch_size)

        def ready(index: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            example = self.read(record)
            if not augment:
                return photographs.center_crop(example["image"], size), example["label"]
            image_seed = tf.stack([tf.constant(seed, tf.int64), index])
            return photographs.random_crop(example["image"], size, image_seed), example["label"]

        stream = epochs.flat_map(epoch).skip(first_step % steps * batch_size).enumerate(first_step * batch_size)
        if host is not None:
            stream = stream.shard(host.num_input_pipelines, host.input_pipeline_id)
            batch_size = host.get_per_replica_batch_size(batch_size)
        return _batched(stream, ready, batch_size, drop_remainder=True)

    def evaluations(self, batch_size: int, size: int, replicas: int = 1) -> dict[str, tf.data.Dataset]:
        """Returns batches of center crops of the validation images, if any, and the test images, by name.

        Args:
          batch_size: Maximum number of images per step.
          size: Pixels per side.
          replicas: Number of replicas that share each batch; if possible, each gets images from every batch.
        """

        def ready(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            example = self.read(record)
            return photographs.center_crop(example["image"], size), example["label"]

        def batches(part: Part) -> tf.data.Dataset:
            part_size = shared_batch(part.examples, batch_size, replicas)
            cardinality = tf.data.experimental.assert_cardinality(-(-part.examples // part_size))
            return _batched(_records(_tensors(part)), ready, part_size, drop_remainder=False).apply(cardinality)

        parts = {"val": self.val, "test": self.test}
        return {name: batches(part) for name, part in parts.items() if part is not None}

    def _labels(self, part: Part) -> np.ndarray:
        labels = _records(_tensors(part)).map(lambda record: self.read(record)["label"])
        with reading(NAME):
            return np.array(list(labels.as_numpy_iterator()))

    def _shuffled(self, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
        """Returns the records of one epoch in random order."""
        tf.random.set_seed(1)  # For this graph: the global seed must not matter, and 0 fails with the tensor below.
        paths, skips, takes = _tensors(self.train)
        both = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(self.train.files)), both)
        records = _records((tf.gather(paths, order), tf.gather(skips, order), tf.gather(takes, order)))
        shuffle_seed = tf.random.stateless_uniform([], both, minval=None, maxval=None, dtype=tf.int64)
        return records.shuffle(min(_SHUFFLED, self.train.examples), seed=shuffle_seed)


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
    # A strategy that splits a stream among hosts must split its batches: a single file would all go to one host.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return (
        stream.map(ready, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=drop_remainder)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )


def _part(split: Any) -> Part:
    files = tuple((str(one.filename), one.skip, one.take) for one in split.file_instructions)
    missing = [path for path, *_ in files if not os.path.exists(path)]
    if missing:
        raise PreparedDataError(
            f"{len(missing)} of {len(files)} files of {NAME} are missing; prepare the data set again. "
            f"Received: no file {missing[0]}"
        )
    return Part(files, split.num_examples)


def _label(splits: Any) -> str:
    train, test = splits["train"], splits["validation"]
    if (train.num_examples, test.num_examples) != (_TRAIN, _TEST):
        return f"a sample of ImageNet: {train.num_examples:,} images to train, {test.num_examples:,} to test"
    return "ImageNet" if train.num_bytes > _ORIGINAL_BYTES * _TRAIN else "ImageNet, images made smaller"
