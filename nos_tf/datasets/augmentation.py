"""Random augmentation of training images with stateless draws: the same seed gives the same images."""

from __future__ import annotations

import tensorflow as tf


def random_crop(images: tf.Tensor, padding: int, seed: tf.Tensor) -> tf.Tensor:
    """Pads each image with zeros on all sides and crops the original size at a random position.

    Args:
      images: `[batch, height, width, channels]`.
      padding: Pixels on each side.
      seed: Integers of shape `[2]`.
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
    corners = tf.random.stateless_uniform([2, batch, 1], seed, maxval=2 * padding + 1, dtype=tf.int32)
    rows = tf.gather(padded, corners[0] + tf.range(height), axis=1, batch_dims=1)
    cropped = tf.gather(rows, corners[1] + tf.range(width), axis=2, batch_dims=1)
    return tf.ensure_shape(cropped, images.shape)


def random_flip(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirrors each image left to right with probability one half.

    Args:
      images: `[batch, height, width, channels]`.
      seed: Integers of shape `[2]`.
    """
    flipped = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(flipped, images[:, :, ::-1], images)
