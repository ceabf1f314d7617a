"""CIFAR-10 as streams of batches, for training at the paper's scale."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from nos_tf.datasets import cifar10, labeled
from nos_tf.datasets.augmentation import random_crop, random_flip
from nos_tf.datasets.stream import array_batches

_EVALUATION_BATCH = 500
_PADDING = 4  # Pixels on each side of the standard augmentation.


@dataclasses.dataclass(frozen=True)
class Cifar10:
    """The 45,000 / 5,000 / 10,000 split, or part of each.

    Attributes:
      train: Training images.
      val: Images that are used to choose the learning rate and the best epoch.
      test: Images that are not used to choose anything.
      label: Description of the data.
    """

    train: cifar10.Images
    val: cifar10.Images
    test: cifar10.Images
    label: str

    @classmethod
    def load(cls, data_dir: str | None, train_examples: int | None, eval_examples: int | None) -> Cifar10:
        """Reads the data.

        Args:
          data_dir: TensorFlow Datasets folder; None for its default.
          train_examples: Number of training images to keep, from the first; None for all.
          eval_examples: Number of images to keep for validation and for testing each; None for all.

        Raises:
          PreparedDataError: The data is not in the folder and cannot be downloaded to it.
        """
        data, test = cifar10.load(data_dir)
        train, val = cifar10.split(data)
        whole = (train, val, test)
        parts = (train.first(train_examples), val.first(eval_examples), test.first(eval_examples))
        label = cifar10.label(data_dir)
        if any(len(part.labels) < len(full.labels) for part, full in zip(parts, whole, strict=True)):
            counts = " / ".join(f"{len(part.labels):,}" for part in parts)
            label += f", a sample of {counts} images to train, validate and test"
        return cls(*parts, label)

    def check_data(self) -> None:
        """Rejects data that no network could be trained on, and warns about classes that a part lacks.

        Raises:
          ValueError: One line names the part, the first bad row, and what to do.
        """
        parts = {"train": self.train, "val": self.val, "test": self.test}
        for name, part in parts.items():
            labeled.check_inputs(name, part.images, (32, 32, 3))
        labeled.check_classes({name: part.labels for name, part in parts.items()}, classes=10)

    @property
    def scale(self) -> dict[str, int]:
        """Sizes of the parts, as stated in a run's results."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return {f"{name}_examples": len(part.labels) for name, part in parts.items()}

    def batches(self, batch_size: int, augment: bool, seed: int, first_step: int) -> tf.data.Dataset:
        """Returns endless training batches: float32 `[batch_size, 32, 32, 3]`, and labels `[batch_size]`.

        Args:
          batch_size: Images per step.
          augment: Whether to crop each image at random after padding it with 4 zero pixels, and to mirror half of them.
          seed: Seed of the order and the augmentation.
          first_step: Number of the first batch.
        """

        def ready(batch: dict[str, tf.Tensor], step_seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            images = self._normalized(batch["images"])
            if augment:
                crop_seed, flip_seed = tf.unstack(tf.random.experimental.stateless_split(step_seed, 2))
                images = random_flip(random_crop(images, _PADDING, crop_seed), flip_seed)
            return images, batch["labels"]

        return array_batches(self.train._asdict(), batch_size, seed, first_step, ready)

    def evaluations(self) -> dict[str, tf.data.Dataset]:
        """Returns validation and test batches, by name."""
        return {
            name: tf.data.Dataset.from_tensor_slices(tuple(part))
            .batch(_EVALUATION_BATCH)
            .map(lambda images, labels: (self._normalized(images), labels), num_parallel_calls=tf.data.AUTOTUNE)
            .prefetch(tf.data.AUTOTUNE)
            for name, part in (("val", self.val), ("test", self.test))
        }

    def _normalized(self, images: tf.Tensor) -> tf.Tensor:
        """Scales each channel to mean 0 and standard deviation 1 over the training images."""
        mean, deviation = self._moments
        return (tf.cast(images, tf.float32) - mean) / deviation

    @functools.cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        pixels = self.train.images.reshape(-1, 3)
        return pixels.mean(0, dtype=np.float64).astype(np.float32), pixels.std(0, dtype=np.float64).astype(np.float32)
