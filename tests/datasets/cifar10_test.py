import os

import numpy as np
import pytest

from nos_tf.datasets import cifar10


@pytest.fixture(scope="module")
def data_dir():
    folder = os.environ.get("TFDS_DATA_DIR", "")
    if not os.path.isdir(os.path.join(folder, "cifar10")):
        pytest.skip("no prepared CIFAR-10: set TFDS_DATA_DIR to a TensorFlow Datasets folder that holds it")
    return folder


@pytest.mark.slow
def test_is_complete_and_in_the_original_order(data_dir):
    train, test = cifar10.load(data_dir)
    assert train.images.shape == (50_000, 32, 32, 3)
    assert test.images.shape == (10_000, 32, 32, 3)
    assert train.images.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(train.labels), np.full(10, 5_000))
    np.testing.assert_array_equal(np.bincount(test.labels), np.full(10, 1_000))
    # The first training images of the original files: frog, truck, truck, deer, automobile.
    assert train.labels[:5].tolist() == [6, 9, 9, 4, 1]


@pytest.mark.slow
def test_recognizes_a_recompressed_copy(data_dir):
    import tensorflow_datasets as tfds

    bits = tfds.builder("cifar10", data_dir=data_dir).info.splits["train"].num_bytes
    # As PNG files, 50,000 images take about 130 MB.
    assert (cifar10.label(data_dir) == "CIFAR-10") == (bits > 100e6)
