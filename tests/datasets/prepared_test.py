import numpy as np
import pytest

from nos_tf.datasets.prepared import PreparedDataError, builder, load_split
from tests.datasets import fake_prepared


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(PreparedDataError, match=r"check its path\. Received: '.*missing'"):
        builder("cifar10", str(tmp_path / "missing"))


def test_data_that_cannot_be_downloaded_are_refused(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def no_network(self, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_network)
    with pytest.raises(
        PreparedDataError,
        match="cannot be downloaded \\(OSError: no route to host\\); pass a TensorFlow Datasets folder",
    ):
        builder("cifar10", str(tmp_path))


def test_a_damaged_file_is_refused(tmp_path):
    features = {
        "id": fake_prepared.TEXT,
        "image": fake_prepared.image("png", "32", "32"),
        "label": fake_prepared.label(10),
    }
    image = fake_prepared.encoded(np.zeros((32, 32, 3), np.uint8), image_format="PNG")
    records = [[{"id": f"{number}".encode(), "image": image, "label": number} for number in range(5)]]
    fake_prepared.write(tmp_path, "cifar10", "3.0.2", features, {"train": records, "test": records})
    (path,) = (tmp_path / "cifar10").rglob("*train*")
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(PreparedDataError, match=r"A file of cifar10 is damaged; .* Received: .*corrupted record"):
        load_split("cifar10", "train", str(tmp_path))
    assert len(load_split("cifar10", "test", str(tmp_path))["label"]) == 5
