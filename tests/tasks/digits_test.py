import numpy as np
import sklearn.datasets

from nos_tf import tasks
from nos_tf.tasks import digits


def test_every_image_is_in_one_split_with_its_label():
    splits = digits.load()
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [700, 700, 397]
    images, labels = sklearn.datasets.load_digits(return_X_y=True)
    got = np.concatenate([np.column_stack([part.inputs.reshape(len(part), 64), part.labels]) for part in parts])
    expected = np.column_stack([images, labels])
    np.testing.assert_array_equal(np.sort(got, axis=0), np.sort(expected, axis=0))
    assert {tuple(row) for row in got} == {tuple(row) for row in expected}


def test_the_child_reads_the_images():
    task = tasks.get("digits")
    model = task.build_model()
    logits = model(digits.load().train.inputs[:3].astype(np.float32))
    assert logits.shape == (3, 10)
