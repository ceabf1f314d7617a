"""Unusable labeled data are refused in one line. For more cases, see `tests/tasks/checking_test.py`."""

from __future__ import annotations

import numpy as np
import pytest

from nos_tf.common.errors import DataWarning
from nos_tf.datasets import labeled

LABELS = np.array([0, 1, 2, 1])


def test_good_labels_pass() -> None:
    labeled.check_classes({"train": LABELS, "test": LABELS[::-1]}, classes=3)


def test_inputs_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Examples of val must have the shape \(3, 3\)\. Received: \(3, 2\)$"):
        labeled.check_inputs("val", np.zeros((5, 3, 2)), (3, 3))


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("test", np.array([0, 1, 2, 3]), r"^Labels of test must be below .* 3 outputs.* Received: 3 in row 3$"),
        ("val", np.array([0, -1]), r"^Labels of val must be integers from 0 up.* Received: -1 in row 1$"),
        ("train", np.array([2, 2]), r"^train has a single class.* Received: only label 2$"),
    ],
)
def test_unusable_labels_are_refused(name: str, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        labeled.check_classes({"train": LABELS, name: labels}, classes=3)


def test_missing_classes_cause_a_warning() -> None:
    with pytest.warns(DataWarning, match="^test has no example of class 0 and 1 more, which another split has$"):
        labeled.check_classes({"train": LABELS, "test": np.array([1])}, classes=3)
    assert labeled.missing_classes({"train": np.array([0, 1]), "a": np.array([1, 2]), "b": np.array([0, 1, 2])}) == [
        "a has no example of class 0, which another split has",
        "train has no example of class 2, which another split has",
    ]
