"""Converts encoded photographs to inputs of a network: squares of a fixed size with values from -1 to 1.

Sources: Szegedy et al. (2015), "Going deeper with convolutions", section 6 (random crops of 8% to 100% of the area with
aspect ratios from 3/4 to 4/3; color distortions). Brightness and saturation, in either order, follow the
TensorFlow-Slim pipeline ("fast mode") that NASNet was trained with.
"""

from __future__ import annotations

import tensorflow as tf

from nos_tf.datasets.jpeg import decode_window, image_size

CENTER = 0.875  # Side of the validation crop, as a fraction of the shorter side.
_AREA, _ASPECT = (0.08, 1.0), (3 / 4, 4 / 3)
_BRIGHTNESS = 32 / 255  # Maximum change of values in [0, 1].
_SATURATION = (0.5, 1.5)


def center_crop(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Crops the square in the center, float32 `[size, size, 3]`.

    Args:
      encoded: Bytes of an image.
      size: Pixels per side.
    """
    full = image_size(encoded)
    side = tf.maximum(tf.cast(tf.round(CENTER * tf.cast(tf.reduce_min(full), tf.float32)), tf.int32), 1)
    window = tf.concat([(full - side) // 2, [side, side]], 0)
    return _resized(encoded, window, size) * 2.0 - 1.0


def random_crop(encoded: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Crops a window of random position, area and aspect ratio, and mirrors and recolors it at random.

    Args:
      encoded: Bytes of an image.
      size: Pixels per side.
      seed: Integers of shape `[2]`; the same seed gives the same image.

    Returns:
      Values from -1 to 1, float32 `[size, size, 3]`.
    """
    crop, flip, color = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([image_size(encoded), [3]], 0),
        tf.zeros([1, 0, 4]),
        crop,
        min_object_covered=0.0,
        aspect_ratio_range=_ASPECT,
        area_range=_AREA,
        max_attempts=100,
        use_image_if_no_bounding_boxes=True,
    )
    image = _resized(encoded, tf.concat([begin[:2], extent[:2]], 0), size)
    image = tf.image.stateless_random_flip_left_right(image, flip)
    return distort_color(image, color) * 2.0 - 1.0


def distort_color(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes brightness and saturation at random, in random order, and clips the result to [0, 1].

    Args:
      image: Values from 0 to 1, float32 `[height, width, 3]`.
      seed: Integers of shape `[2]`.
    """
    order, bright, saturated = tf.unstack(tf.random.experimental.stateless_split(seed, 3))

    def brightness(x: tf.Tensor) -> tf.Tensor:
        return tf.image.stateless_random_brightness(x, _BRIGHTNESS, bright)

    def saturation(x: tf.Tensor) -> tf.Tensor:
        return tf.image.stateless_random_saturation(x, *_SATURATION, saturated)

    changed = tf.cond(
        tf.random.stateless_uniform([], order) < 0.5,
        lambda: saturation(brightness(image)),
        lambda: brightness(saturation(image)),
    )
    return tf.clip_by_value(changed, 0.0, 1.0)


def _resized(encoded: tf.Tensor, window: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes and resizes a window to float32 `[size, size, 3]` from 0 to 1."""
    return tf.ensure_shape(tf.image.resize(decode_window(encoded, window), [size, size]), [size, size, 3]) / 255.0
