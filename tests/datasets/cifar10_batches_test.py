import dataclasses
import itertools

import numpy as np
import pytest

from nos_tf.common.errors import DataWarning
from nos_tf.datasets.cifar10 import Images, split
from nos_tf.datasets.cifar10_batches import Cifar10

RNG = np.random.default_rng(0)


def images(count):
    return Images(RNG.integers(0, 256, (count, 32, 32, 3), np.uint8), np.arange(count, dtype=np.int32) % 10)


@pytest.fixture(scope="module")
def data():
    return Cifar10(images(24), images(10), images(7), "invented")


def take(stream, count):
    return list(itertools.islice(stream.as_numpy_iterator(), count))


def test_channels_are_normalized_over_the_training_images(data):
    (batch, labels), *_ = take(data.batches(24, augment=False, seed=0, first_step=0), 1)
    np.testing.assert_allclose(batch.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(batch.std(axis=(0, 1, 2)), 1, rtol=1e-5)
    assert sorted(labels) == sorted(data.train.labels)
    pixels = data.train.images.reshape(-1, 3).astype(np.float64)
    (val, _), *_ = take(data.evaluations()["val"], 1)
    np.testing.assert_allclose(val, (data.val.images - pixels.mean(0)) / pixels.std(0), rtol=1e-4, atol=1e-5)


def test_augmented_stream_can_start_at_any_step(data):
    whole = take(data.batches(5, augment=True, seed=3, first_step=0), 9)
    late = take(data.batches(5, augment=True, seed=3, first_step=6), 3)
    for (images_, labels), (others, other_labels) in zip(whole[6:], late, strict=True):
        np.testing.assert_array_equal(images_, others)
        np.testing.assert_array_equal(labels, other_labels)
    plain = take(data.batches(5, augment=False, seed=3, first_step=0), 1)
    assert not np.array_equal(plain[0][0], whole[0][0])


def test_evaluations_contain_every_image_once(data):
    for name, part in (("val", data.val), ("test", data.test)):
        labels = np.concatenate([labels for _, labels in data.evaluations()[name].as_numpy_iterator()])
        np.testing.assert_array_equal(labels, part.labels)


def test_data_are_checked(data):
    Cifar10(images(24), images(10), images(10), "invented").check_data()
    with pytest.warns(DataWarning, match="^test has no example of class 7 and 2 more"):
        data.check_data()
    wrong = data.test._replace(labels=data.test.labels + 8)
    with pytest.raises(ValueError, match=r"^Labels of test must be below .*10 outputs.* Received: 10 in row 2$"):
        dataclasses.replace(data, test=wrong).check_data()
    with pytest.raises(ValueError, match=r"^train has a single class"):
        dataclasses.replace(data, train=data.train.first(1)).check_data()


def test_sizes_are_stated(data):
    assert data.scale == {"train_examples": 24, "val_examples": 10, "test_examples": 7}


def test_the_last_5000_are_held_out():
    data = Images(np.arange(50_000), np.arange(50_000) % 10)
    train, val = split(data)
    np.testing.assert_array_equal(train.images, np.arange(45_000))
    np.testing.assert_array_equal(val.images, np.arange(45_000, 50_000))
    assert len(train.first(7).labels) == 7
    assert len(train.first(None).labels) == 45_000
