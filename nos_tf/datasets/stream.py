"""Streams of batches: endless ones that can begin at any step, and finite ones that replicas share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf


def index_batches(num_examples: int, batch_size: int, seed: int, first_step: int = 0) -> tf.data.Dataset:
    """Numbers of the examples of each step: a new order every epoch, the rest that fills no batch left out.

    Args:
      num_examples: Examples of an epoch.
      batch_size: Examples of a step, at most `num_examples`.
      seed: Fixes the orders.
      first_step: Number of the first step, counted from the beginning of the training.

    Returns:
      Endless pairs of the step, int64, and of int64 `[batch_size]`.
    """
    steps = num_examples // batch_size

    def order(epoch: tf.Tensor) -> tf.data.Dataset:
        shuffled = tf.random.experimental.stateless_shuffle(
            tf.range(num_examples, dtype=tf.int64), seed=tf.stack([tf.constant(seed, tf.int64), epoch])
        )
        return tf.data.Dataset.from_tensor_slices(tf.reshape(shuffled[: steps * batch_size], [steps, batch_size]))

    epochs = tf.data.Dataset.range(first_step // steps, np.iinfo(np.int64).max)
    return epochs.flat_map(order).skip(first_step % steps).enumerate(first_step)


def array_batches(
    arrays: Mapping[str, np.ndarray],
    batch_size: int,
    seed: int,
    first_step: int = 0,
    transform: Callable[[dict[str, tf.Tensor], tf.Tensor], Any] = lambda batch, _: batch,
) -> tf.data.Dataset:
    """Shuffled batches of data held in memory.

    Args:
      arrays: Data by name, each `[num_examples, ...]`.
      batch_size: Examples of a step.
      seed: Fixes the orders and what `transform` draws.
      first_step: Number of the first step.
      transform: Makes a batch ready for the model; given the rows of each array, and a seed of the step (int64 `[2]`)
        for stateless draws.
    """
    held = {name: tf.constant(values) for name, values in arrays.items()}
    (count,) = {len(values) for values in arrays.values()}

    def fetch(step: tf.Tensor, indices: tf.Tensor) -> Any:
        batch = {name: tf.gather(values, indices) for name, values in held.items()}
        return transform(batch, tf.stack([tf.constant(seed, tf.int64), step]))

    stream = index_batches(count, batch_size, seed, first_step)
    return stream.map(fetch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def shared_batch(examples: int, batch_size: int, replicas: int) -> int:
    """The largest batch whose last and smaller one still has something for every replica.

    Replicas take equal parts of a full batch, in turn. Of a smaller one the later ones may get nothing, and
    convolutions on CPUs fail without images.

    Args:
      examples: How many there are.
      batch_size: The most that will do, a multiple of `replicas`; also the answer where no batch will do.
      replicas: How many share each batch.
    """
    for part in range(batch_size // replicas, 0, -1):
        last = examples % (part * replicas)
        if last == 0 or last > part * (replicas - 1):
            return part * replicas
    return batch_size
