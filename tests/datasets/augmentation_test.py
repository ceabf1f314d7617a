import numpy as np
import tensorflow as tf

from nos_tf.datasets.augmentation import random_crop, random_flip

IMAGES = np.random.default_rng(0).normal(size=(64, 6, 5, 3)).astype(np.float32)


def test_every_crop_is_a_window_of_the_padded_image_and_all_windows_occur():
    padded = np.pad(IMAGES, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = {(row, column): padded[:, row : row + 6, column : column + 5] for row in range(3) for column in range(3)}
    cropped = random_crop(tf.constant(IMAGES), 1, [3, 4]).numpy()
    found = [
        [corner for corner, window in windows.items() if np.array_equal(window[index], image)]
        for index, image in enumerate(cropped)
    ]
    assert all(len(corners) == 1 for corners in found)
    assert {corners[0] for corners in found} == set(windows)


def test_about_half_of_the_images_are_mirrored_and_the_others_unchanged():
    flipped = random_flip(tf.constant(IMAGES), [3, 4]).numpy()
    mirrored = [np.array_equal(image, IMAGES[index][:, ::-1]) for index, image in enumerate(flipped)]
    kept = [np.array_equal(image, IMAGES[index]) for index, image in enumerate(flipped)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


def test_the_same_seed_gives_the_same_images():
    for change in (lambda seed: random_crop(tf.constant(IMAGES), 2, seed), lambda seed: random_flip(IMAGES, seed)):
        np.testing.assert_array_equal(change([1, 2]), change([1, 2]))
        assert not np.array_equal(change([1, 2]), change([1, 3]))
