import numpy as np
import pytest
import tensorflow as tf

from nos_tf.common.errors import RunError
from nos_tf.models.gnmt import GNMT
from nos_tf.training import files
from tests.training import study_case


def test_weights_are_restored(tmp_path):
    saved, other = study_case.build_model(0), study_case.build_model(1)
    files.save_weights(saved, tmp_path / files.LAST)
    files.load_weights(other, tmp_path / files.LAST)
    for one, two in zip(saved.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert [path.name for path in tmp_path.iterdir()] == [files.LAST]


def test_missing_damaged_and_mismatched_files_are_one_clear_error(tmp_path):
    model, path = study_case.build_model(0), tmp_path / files.LAST
    with pytest.raises(RunError, match=r"cannot be read.*Received: .*last\.weights\.h5"):
        files.load_weights(model, path)
    files.save_weights(tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(5)]), path)
    with pytest.raises(RunError, match="cannot be read"):
        files.load_weights(model, path)
    files.save_weights(GNMT(11, 6, num_layers=2), path)
    with pytest.raises(RunError, match="cannot be read"):
        files.load_weights(GNMT(11, 6, num_layers=3), path)
    files.save_weights(model, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RunError, match="cannot be read"):
        files.load_weights(model, path)


def test_failed_write_keeps_the_earlier_file(tmp_path, monkeypatch):
    model, path = study_case.build_model(0), tmp_path / files.LAST
    files.save_weights(model, path)
    before = path.read_bytes()

    def full(file):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_weights", full)
    with pytest.raises(RunError, match="No space left"):
        files.save_weights(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
