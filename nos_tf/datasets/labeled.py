"""Checks labeled examples before anything is trained on them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from nos_tf.common.errors import DataWarning


def check_inputs(name: str, inputs: np.ndarray, shape: tuple[int, ...]) -> None:
    """Rejects examples that no network could be trained on.

    Args:
      name: Name of the split, such as "train".
      inputs: Examples, `[n, ...]`.
      shape: Required shape of one example.

    Raises:
      ValueError: One line names the split, the first bad row if there is one, and what to do.
    """
    check_numbers(name, "inputs", inputs)
    if inputs.shape[1:] != shape:
        raise ValueError(f"Examples of {name} must have the shape {shape}. Received: {inputs.shape[1:]}")


def check_labels(name: str, labels: np.ndarray, classes: int | None = None) -> None:
    """Rejects labels that are not class numbers.

    Args:
      name: Name of the split, such as "train".
      labels: Class of each example, or of each of its positions, `[n, ...]`.
      classes: Number of classes, if known.

    Raises:
      ValueError: As for `check_inputs`.
    """
    check_numbers(name, "labels", labels)
    if (bad := _first_row((labels != np.floor(labels)) | (labels < 0))) is not None:
        raise ValueError(
            f"Labels of {name} must be integers from 0 up; number the classes. Received: {labels[bad]} in row {bad}"
        )
    if classes is not None and (bad := _first_row(labels >= classes)) is not None:
        raise ValueError(
            f"Labels of {name} must be below the network's {classes} outputs; renumber the classes or widen the last "
            f"layer. Received: {labels[bad]} in row {bad}"
        )


def check_variety(labels: np.ndarray) -> None:
    """Rejects training data with a single class.

    Raises:
      ValueError: There is nothing to learn.
    """
    if len(np.unique(labels)) < 2:
        raise ValueError(
            "train has a single class, so there is nothing to learn; provide labels of at least two. "
            f"Received: only label {np.ravel(labels)[0]}"
        )


def check_classes(labels: Mapping[str, np.ndarray], classes: int) -> None:
    """Rejects labels that nothing could be learned from, and warns about classes that a split lacks.

    Args:
      labels: Labels of each split, including "train".
      classes: Number of classes.

    Raises:
      ValueError: One line names the split, the first bad row if there is one, and what to do.
    """
    for name, split_labels in labels.items():
        check_labels(name, split_labels, classes)
    check_variety(labels["train"])
    for line in missing_classes(labels):
        warnings.warn(line, DataWarning, stacklevel=3)


def missing_classes(labels: Mapping[str, np.ndarray]) -> list[str]:
    """Names the splits that lack a class of another split, which may be intended; one line each.

    Args:
      labels: Labels of each split, including "train".
    """
    train_classes = set(np.unique(labels["train"]).tolist())
    lines = []
    for name, split_labels in labels.items():
        split_classes = set(np.unique(split_labels).tolist())
        for where, lacking in ((name, train_classes - split_classes), ("train", split_classes - train_classes)):
            if lacking:
                more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
                lines.append(f"{where} has no example of class {min(lacking):g}{more}, which another split has")
    return list(dict.fromkeys(lines))


def check_numbers(name: str, kind: str, array: np.ndarray) -> None:
    """Rejects anything but finite real numbers.

    Args:
      name: Name of the split, such as "train".
      kind: What the numbers are, such as "labels".
      array: The numbers, `[n, ...]`.

    Raises:
      ValueError: As for `check_inputs`.
    """
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{kind} of {name} must be real numbers; convert them. Received: dtype {array.dtype}")
    if array.dtype.kind == "f" and (bad := _first_row(~np.isfinite(array))) is not None:
        raise ValueError(
            f"{kind} of {name} must be finite; remove or fill such rows. Received: NaN or infinity in row {bad}"
        )


def _first_row(is_bad: np.ndarray) -> int | None:
    """Returns the index of the first row with a bad entry, or None if there is none."""
    rows = np.flatnonzero(is_bad.reshape(len(is_bad), -1).any(axis=1))
    return int(rows[0]) if len(rows) else None
