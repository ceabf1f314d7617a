import numpy as np
import pytest
import tensorflow as tf

from nos_tf.common.errors import RunError
from nos_tf.training import failures
from tests.training import study_case
from tests.training.fit_test import train


def undecodable(contents):
    stream = tf.data.Dataset.from_tensors(tf.constant(contents)).repeat()
    return stream.map(lambda x: (tf.zeros([2, 4]) + tf.cast(tf.shape(tf.io.decode_image(x))[0], tf.float32), [0, 1]))


@pytest.mark.parametrize("contents", [b"\xff\xd8\xff no JPEG", b"<html>", b""])
def test_undecodable_image_is_one_clear_error(tmp_path, contents):
    batches = undecodable(contents)
    with pytest.raises(RunError, match=r"^An image in the data cannot be decoded; .*resume.* Received: [^\n]+$"):
        train(tmp_path, study_case.experiment(epochs=1, batches=lambda seed, first_step: batches))


def test_undecodable_image_in_an_evaluation_is_one_clear_error(tmp_path):
    data = {"test": undecodable(b"\xff\xd8\xff no JPEG").take(3)}
    with pytest.raises(RunError, match="cannot be decoded"):
        train(tmp_path, study_case.experiment(epochs=1, evaluations=data))


def test_damaged_record_is_one_clear_error(tmp_path):
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(3):
            writer.write(np.ones(4, np.float32).tobytes())
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # In the data of the last record.
    path.write_bytes(content)
    with (
        pytest.raises(RunError, match=r"A data file is damaged; .* Received: .*corrupted record"),
        failures.damaged_data(),
    ):
        list(tf.data.TFRecordDataset(str(path)))


def test_other_errors_are_not_changed():
    with pytest.raises(tf.errors.InvalidArgumentError), failures.damaged_data():
        tf.reshape(tf.zeros([3]), [2])
    with pytest.raises(ValueError, match="mine"), failures.damaged_data():
        raise ValueError("mine")
