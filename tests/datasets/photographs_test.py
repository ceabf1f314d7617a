import colorsys

import numpy as np
import tensorflow as tf

from nos_tf.datasets.photographs import center_crop, distort_color, random_crop
from tests.datasets.fake_imagenet import photograph
from tests.datasets.fake_prepared import encoded

ROWS, COLUMNS = np.mgrid[0:80, 0:160]
# Red encodes the row and green the column of a pixel, as a fraction of the height or width.
PLACES = encoded(np.stack([ROWS * 255 // 79, COLUMNS * 255 // 159, 0 * ROWS], -1).astype(np.uint8), quality=95)


def test_center_is_seven_eighths_of_the_shorter_side_in_the_middle():
    image = (center_crop(tf.constant(PLACES), 64).numpy() + 1) / 2
    assert image.shape == (64, 64, 3)
    # 70 of 80 rows, from the 5th on; 70 of 160 columns, from the 45th on.
    np.testing.assert_allclose([image[0, :, 0].mean(), image[-1, :, 0].mean()], [5 / 79, 74 / 79], atol=0.015)
    np.testing.assert_allclose([image[:, 0, 1].mean(), image[:, -1, 1].mean()], [45 / 159, 114 / 159], atol=0.015)


def test_values_are_from_minus_one_to_one():
    for color in (0, 255):
        image = center_crop(tf.constant(encoded(np.full((40, 40, 3), color, np.uint8))), 32).numpy()
        np.testing.assert_allclose(image, color / 127.5 - 1, atol=0.01)


def test_random_windows_have_areas_and_aspect_ratios_within_bounds_and_half_are_mirrored(monkeypatch):
    monkeypatch.setattr("nos_tf.datasets.photographs.distort_color", lambda image, seed: image)
    areas, aspects, mirrored = [], [], []
    for index in range(150):
        image = (random_crop(tf.constant(PLACES), 32, tf.constant([7, index])).numpy() + 1) / 2
        # The slope over the inner pixels, times the number of pixels, is the extent of the window.
        height = np.polyfit(np.arange(2, 30), image[2:-2, :, 0].mean(1), 1)[0] * 32 * 79
        width = np.polyfit(np.arange(2, 30), image[:, 2:-2, 1].mean(0), 1)[0] * 32 * 159
        mirrored.append(width < 0)
        areas.append(height * abs(width) / (80 * 160))
        aspects.append(abs(width) / height)
    assert 0.06 < min(areas) < 0.15
    assert 0.5 < max(areas) < 0.87  # A window of full height is at most 4/3 as wide as it is high.
    assert 0.70 < min(aspects) < 0.85
    assert 1.2 < max(aspects) < 1.4
    assert 55 < sum(mirrored) < 95


def test_same_seed_gives_the_same_image():
    image = tf.constant(photograph(3))
    first, second, other = (random_crop(image, 32, seed).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0.1
    assert first.min() >= -1
    assert first.max() <= 1


def test_colors_keep_their_hue_within_the_bounds_of_brightness_and_saturation():
    plain = tf.fill([2, 2, 3], 0.5) + tf.constant([0.1, 0.0, -0.1])
    means, saturations = [], []
    for index in range(100):
        changed = distort_color(plain, tf.constant([5, index])).numpy()
        np.testing.assert_allclose(changed, np.broadcast_to(changed[0, 0], changed.shape), atol=1e-6)
        hue, saturation, value = colorsys.rgb_to_hsv(*changed[0, 0].tolist())
        assert abs(hue - 1 / 12) < 1e-3
        means.append(value)
        saturations.append(saturation)
    assert 0.6 - 32 / 255 - 1e-3 < min(means) < 0.5
    assert 0.7 < max(means) < 0.6 + 32 / 255 + 1e-3
    # Initially 1/3; brightness alone changes it to 0.2 / (0.6 +- 0.125).
    assert 0.5 * 0.2 / 0.726 < min(saturations) < 0.2
    assert 0.42 < max(saturations) < 1.5 * 0.2 / 0.474
