import pytest

from nos_tf.datasets.prepared import PreparedDataError, builder


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
