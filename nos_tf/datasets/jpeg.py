"""Windows of encoded images, decoded without the rest if the format allows it."""

from __future__ import annotations

import tensorflow as tf


def image_size(encoded: tf.Tensor) -> tf.Tensor:
    """Returns height and width of an encoded image, int32 `[2]`, without decoding it if it is a JPEG.

    Args:
      encoded: Bytes of a JPEG, or of a mislabeled PNG, BMP or GIF, such as the one in ImageNet.
    """
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.extract_jpeg_shape(encoded)[:2],
        lambda: tf.shape(_decode(encoded))[:2],
    )


def decode_window(encoded: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
    """Decodes part of an image as uint8 `[height, width, 3]`; grayscale and CMYK become RGB.

    Args:
      encoded: Bytes of a JPEG, or of a mislabeled PNG, BMP or GIF.
      window: Top, left, height and width, int32 `[4]`.
    """

    def cut() -> tf.Tensor:
        top, left, height, width = tf.unstack(window)
        return tf.slice(_decode(encoded), [top, left, 0], [height, width, 3])

    return tf.cond(tf.io.is_jpeg(encoded), lambda: tf.io.decode_and_crop_jpeg(encoded, window, channels=3), cut)


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_image(encoded, channels=3, expand_animations=False)
