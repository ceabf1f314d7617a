import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from nos_tf.datasets.jpeg import decode_window, image_size
from tests.datasets.fake_prepared import encoded

_ROWS, _COLUMNS = np.mgrid[0:48, 0:64]
PIXELS = np.stack([_ROWS * 5, _COLUMNS * 3, (_ROWS + _COLUMNS) * 2], -1).astype(
    np.uint8
)  # Smooth, so that JPEG preserves it.


def window(image: bytes) -> np.ndarray:
    """Decodes a window in a graph, like the input pipeline."""

    @tf.function
    def decode(contents):
        return decode_window(contents, tf.constant([16, 8, 20, 30]))

    return decode(tf.constant(image)).numpy()


@pytest.mark.parametrize(
    ("mode", "image_format"), [("RGB", "JPEG"), ("CMYK", "JPEG"), ("L", "JPEG"), ("RGB", "PNG"), ("RGB", "BMP")]
)
def test_window_equals_that_of_another_decoder(mode, image_format):
    image = encoded(PIXELS, mode, image_format)
    assert image_size(tf.constant(image)).numpy().tolist() == [48, 64]
    expected = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))[16:36, 8:38]
    found = window(image)
    assert found.shape == (20, 30, 3)
    assert np.abs(found.astype(int) - expected).mean() < 2.5


def test_png_with_palette_or_transparency():
    for mode in ("P", "RGBA", "LA"):
        assert window(encoded(PIXELS, mode, "PNG")).shape == (20, 30, 3)


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_image_raises(damage):
    whole = encoded(PIXELS)
    image = {"cut": whole[: len(whole) // 3], "text": b"<html>not found</html>", "empty": b""}[damage]
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        window(image)
