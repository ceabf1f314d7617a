import contextlib
import itertools
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.common.errors import DataWarning
from nos_tf.datasets.imagenet import ImageNet
from nos_tf.datasets.prepared import PreparedDataError
from tests.datasets import fake_imagenet


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """23 training images in three files, and 5 test images."""
    return ImageNet.load(str(fake_imagenet.small(tmp_path_factory.mktemp("data"))))


def take(data, count, first_step=0, seed=3, host=None, augment=True):
    stream = data.batches(4, 32, augment, seed, first_step, host)
    return list(itertools.islice(stream.as_numpy_iterator(), count))


def check_equal(some, others):
    for one, other in zip(some, others, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left, right)


def test_parts_and_label(data):
    assert data.scale == {"train_examples": 23, "test_examples": 5}
    assert data.label == "a sample of ImageNet: 23 images to train, 5 to test"


def test_every_epoch_has_each_image_at_most_once_in_a_new_order(data):
    batches = take(data, 15)
    labels = [np.concatenate([labels for _, labels in batches[start : start + 5]]) for start in (0, 5, 10)]
    assert all(len(set(epoch)) == 20 and set(epoch) <= set(range(23)) for epoch in labels)
    assert len({tuple(epoch) for epoch in labels}) == 3
    assert len(set(np.concatenate(labels))) == 23  # Each epoch leaves out different images.
    assert batches[0][0].shape == (4, 32, 32, 3)
    assert batches[0][0].dtype == np.float32


@pytest.mark.parametrize("first_step", [1, 4, 5, 13])
def test_starts_at_any_step(data, first_step):
    tf.keras.utils.set_random_seed(first_step)  # Must not matter.
    check_equal(take(data, 3, first_step), take(data, first_step + 3)[first_step:])


def test_batches_and_augmentation_depend_on_the_seed(data):
    check_equal(take(data, 6), take(data, 6))
    one, other = take(data, 5), take(data, 5, seed=4)
    assert not np.array_equal(one[0][1], other[0][1])
    # Augmentation of the same image differs between epochs.
    epochs = take(data, 10)
    label = int(next(iter(set(epochs[0][1]) & set(np.concatenate([labels for _, labels in epochs[5:]])))))
    versions = [image for images, labels in epochs for image, its in zip(images, labels, strict=True) if its == label]
    assert np.abs(versions[0] - versions[1]).max() > 0.05


def test_skipped_images_are_not_decoded(tmp_path):
    train = [[(fake_imagenet.photograph(0), 0)] * 7 + [(b"\xff\xd8\xff damaged", 1)]]
    folder = fake_imagenet.write(tmp_path, {"train": train, "validation": train})
    data = ImageNet.load(str(folder))
    for seed in itertools.count():
        stream = data.batches(4, 32, True, seed, 0).as_numpy_iterator()
        with contextlib.suppress(tf.errors.InvalidArgumentError):
            next(stream)
            continue  # The damaged image is in the second batch.
        assert len(take(data, 1, first_step=1, seed=seed)) == 1
        break
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid JPEG"):
        take(data, 2)


def test_hosts_share_the_batches_of_one(data):
    whole = take(data, 4, first_step=3)
    for host in range(2):
        share = take(data, 4, first_step=3, host=tf.distribute.InputContext(2, host, 2))
        check_equal(share, [(images[host::2], labels[host::2]) for images, labels in whole])


def test_without_augmentation_images_are_center_cropped_as_in_evaluation(data):
    middles = {int(label): image for images, labels in data.evaluations(2, 32)["test"] for image, label in
               zip(images.numpy(), labels.numpy(), strict=True)}  # fmt: skip
    assert sorted(middles) == list(range(5))
    for images, labels in take(data, 5, augment=False):
        for image, label in zip(images, labels, strict=True):
            if int(label) in middles:
                np.testing.assert_array_equal(image, middles[int(label)])


def test_evaluations_have_every_image_once_and_know_their_length(data):
    test = data.evaluations(2, 32)["test"]
    assert test.cardinality() == 3
    assert np.concatenate([labels for _, labels in test.as_numpy_iterator()]).tolist() == [0, 1, 2, 3, 4]


def test_last_images_can_be_held_out(data):
    folder = os.path.dirname(os.path.dirname(os.path.dirname(data.train.files[0][0])))
    held = ImageNet.load(folder, val_examples=12)
    assert held.scale == {"train_examples": 11, "val_examples": 12, "test_examples": 5}
    train = {int(label) for _, labels in take(held, 12) for label in labels}
    val = {int(label) for _, labels in held.evaluations(5, 32)["val"].as_numpy_iterator() for label in labels}
    assert train == set(range(11))
    assert val == set(range(11, 23))
    with pytest.raises(PreparedDataError, match=r"the 23 in the training set\. Received: 23"):
        ImageNet.load(folder, val_examples=23)


def test_labels_of_a_sample_are_checked(tmp_path):
    with pytest.warns(DataWarning, match="^test has no example of class 5 and 17 more, which another split has$"):
        ImageNet.load(str(fake_imagenet.small(tmp_path / "small"))).check_data()
    records = [[(fake_imagenet.photograph(0), label) for label in (0, 1_000)]]
    other = fake_imagenet.write(tmp_path / "other", {"train": records, "validation": records})
    with pytest.raises(ValueError, match=r"^Labels of train must be below .* 1000 outputs.* Received: 1000 in row 1$"):
        ImageNet.load(str(other)).check_data()


def test_bad_folder_is_one_clear_error(tmp_path):
    records = [[(fake_imagenet.photograph(0), 0)] * 4]
    train_only = fake_imagenet.write(tmp_path / "train_only", {"train": records})
    with pytest.raises(PreparedDataError, match=r"without its split 'validation'.*Received: .*train_only"):
        ImageNet.load(str(train_only))
    other = fake_imagenet.write(tmp_path / "other", {"train": records, "validation": records}, "riegeli")
    with pytest.raises(PreparedDataError, match=r"TFRecord files\. Received: riegeli"):
        ImageNet.load(str(other))
    partial = fake_imagenet.small(tmp_path / "partial")
    next(partial.rglob("*train*-00001-of-*")).unlink()
    with pytest.raises(PreparedDataError, match=r"1 of 3 files of imagenet2012 are missing.*00001-of-00003"):
        ImageNet.load(str(partial))
    with pytest.raises(PreparedDataError, match=r"check its path"):
        ImageNet.load(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("mean_bytes", "label"), [(110_000, "ImageNet"), (20_000, "ImageNet, images made smaller")], ids=["whole", "small"]
)
def test_only_the_whole_original_is_called_imagenet(tmp_path, mean_bytes, label):
    folder = fake_imagenet.small(tmp_path)
    (path,) = folder.rglob("dataset_info.json")
    info = json.loads(path.read_text())
    for split, count in zip(info["splits"], (1_281_167, 50_000), strict=True):
        files = len(split["shardLengths"])
        split["shardLengths"] = [str(count - files + 1), *["1"] * (files - 1)]
        split["numBytes"] = str(mean_bytes * count)
    path.write_text(json.dumps(info))
    assert ImageNet.load(str(folder)).label == label


@pytest.mark.slow
def test_real_sample():
    folder = os.environ.get("TFDS_DATA_DIR", "")
    if not os.path.isdir(os.path.join(folder, "imagenet2012")):
        pytest.skip("no prepared ImageNet: set TFDS_DATA_DIR to a TensorFlow Datasets folder that holds it")
    data = ImageNet.load(folder)
    steps = min(data.train.examples // 4, 225)
    batches = take(data, steps, augment=True)
    assert all(np.isfinite(images).all() for images, _ in batches)
    labels = np.concatenate([labels for _, labels in batches])
    assert labels.min() >= 0
    assert labels.max() < 1000
