"""Tasks: a child's data, network and budget, under a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from nos_tf.common.errors import unknown
from nos_tf.tasks.objective import CROSS_ENTROPY, Objective


@dataclasses.dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes:
      inputs: Examples, shape `[n, ...]`, of any real dtype; the network receives them as float32.
      labels: What the network should predict for each example: its class, as integers of shape `[n]`, or whatever the
        task's objective takes, of shape `[n, ...]`.
    """

    inputs: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels) or len(self.labels) == 0:
            raise ValueError(
                "A split needs inputs [n, ...] and as many labels [n] or [n, ...] with n > 0. "
                f"Received: inputs {np.shape(self.inputs)}, labels {np.shape(self.labels)}"
            )

    def __len__(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Splits:
    """The data of a task. A search trains on `train` and is rewarded on `validation`; it never reads `test`."""

    train: Split
    validation: Split
    test: Split


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """A child network's data, network and budget. Compared by identity, so an objective need not be hashable.

    Attributes:
      name: Name that flags use.
      data_label: Description of the data, shown beside every result, or a function that returns it for a data folder.
      load: Function that returns the `Splits`, given the folder of prepared data sets (None for the default one).
      build_model: Function that returns a new, freshly initialized Keras model from inputs to logits
        `[batch, classes]`, or to whatever the objective takes.
      batch_size: Examples per training step.
      examples_per_epoch: Examples per epoch; None for the whole training split.
      epochs: Epochs of the rewarded run.
      test_epochs: Epochs of the long runs at the end of a search; None for five times `epochs`.
      objective: Loss and score; by default, those for classification.
    """

    name: str
    data_label: str | Callable[[str | None], str]
    load: Callable[[str | None], Splits]
    build_model: Callable[[], Any]
    batch_size: int = 100
    examples_per_epoch: int | None = None
    epochs: int = 5
    test_epochs: int | None = None
    objective: Objective = CROSS_ENTROPY

    def __post_init__(self) -> None:
        for field in ("batch_size", "examples_per_epoch", "epochs", "test_epochs"):
            if (value := getattr(self, field)) is not None and value < 1:
                raise ValueError(f"{field} must be at least 1. Received: {field}={value!r}")

    def describe_data(self, data_dir: str | None = None) -> str:
        """Describes the data in the folder."""
        return self.data_label if isinstance(self.data_label, str) else self.data_label(data_dir)


_TASKS: dict[str, Task] = {}


def register(
    name: str,
    load: Callable[..., Splits],
    build_model: Callable[[], Any],
    data_label: str | Callable[[str | None], str] = "the user's own data",
    batch_size: int = 100,
    examples_per_epoch: int | None = None,
    epochs: int = 5,
    test_epochs: int | None = None,
    objective: Objective = CROSS_ENTROPY,
) -> Task:
    """Registers data and a network as a task to search on, replacing any earlier task of the same name.

    Args:
      name: Name of the task.
      load: Function that returns `Splits` (train, validation, test), given the data folder or None.
      build_model: Function that returns a new Keras model from inputs to logits, or to whatever the objective takes.
      data_label: Description of the data, shown beside every result, or a function that returns it for a data folder.
      batch_size: Examples per training step.
      examples_per_epoch: Examples per epoch; None for the whole training split.
      epochs: Epochs of the rewarded run.
      test_epochs: Epochs of the long runs at the end of a search; None for five times `epochs`.
      objective: Loss and score; by default, those for classification. Use `nos_tf.tasks.SQUARED_ERROR` for regression,
        or an object of your own with the methods of `nos_tf.tasks.Objective` for anything else.
    """
    task = Task(name, data_label, load, build_model, batch_size, examples_per_epoch, epochs, test_epochs, objective)
    _TASKS[name] = task
    return task


def names() -> tuple[str, ...]:
    """Names of the registered tasks."""
    return tuple(_TASKS)


def get(name: str) -> Task:
    """Returns the task of that name.

    Raises:
      ValueError: There is no such task.
    """
    if name not in _TASKS:
        raise ValueError(unknown("task", name, _TASKS))
    return _TASKS[name]
