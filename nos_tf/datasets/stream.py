"""Streams of batches: endless ones that can start at any step, and finite ones that replicas share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf


def index_batches(num_examples: int, batch_size: int, seed: int, first_step: int = 0) -> tf.data.Dataset:
    """Draws the indices of each step's examples, in a new order every epoch that leaves out those not filling a batch.

    Args:
      num_examples: Examples per epoch.
      batch_size: Examples per step, at most `num_examples`.
      seed: Seed of the orders.
      first_step: Number of the first step, counted from the start of training.

    Returns:
      Endless pairs of the step, int64, and its indices, int64 `[batch_size]`.
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
    """Returns shuffled batches of data held in memory.

    Args:
      arrays: Data by name, each `[num_examples, ...]`.
      batch_size: Examples per step.
      seed: Seed of the orders and of what `transform` draws.
      first_step: Number of the first step.
      transform: Function that prepares a batch for the model, given the rows of each array and the step's seed for
        stateless draws (int64 `[2]`).
    """
    held = {name: tf.constant(values) for name, values in arrays.items()}
    (count,) = {len(values) for values in arrays.values()}

    def fetch(step: tf.Tensor, indices: tf.Tensor) -> Any:
        batch = {name: tf.gather(values, indices) for name, values in held.items()}
        return transform(batch, tf.stack([tf.constant(seed, tf.int64), step]))

    stream = index_batches(count, batch_size, seed, first_step)
    return stream.map(fetch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def shared_batch(examples: int, batch_size: int, replicas: int) -> int:
    """Returns the largest batch size for which even the last, smaller batch has examples for every replica.

    A full batch is split equally among the replicas, in order. The last replicas may get nothing from a smaller batch,
    and convolutions on CPUs fail on empty batches.

    Args:
      examples: Number of examples.
      batch_size: Maximum batch size, a multiple of `replicas`; also the result if no batch size works.
      replicas: Number of replicas that share each batch.
    """
    for part in range(batch_size // replicas, 0, -1):
        last = examples % (part * replicas)
        if last == 0 or last > part * (replicas - 1):
            return part * replicas
    return batch_size
