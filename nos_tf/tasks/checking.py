"""Checks that a task can work at all, by trying its data and its network before a search spends hours on them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from nos_tf.common.errors import DataWarning, first_line, summary
from nos_tf.common.text import number
from nos_tf.datasets import labeled
from nos_tf.tasks.objective import CROSS_ENTROPY
from nos_tf.tasks.task import Split, Splits, Task, get

_TINY_RATE = 1e-6  # Learning rate of the one training step, after which a sound network is still finite.
_SUM_TOLERANCE = 1e-3  # Deviation of summed probabilities from 1, also in half precision.

_Result = TypeVar("_Result")


class TaskWarning(DataWarning):
    """Warns about something in a task that may be intended but is usually a mistake."""


def check(task: Task | str, data_dir: str | None = None) -> None:
    """Loads the task's data, builds its network, and takes one training step.

    Only warns about what may be intended: outputs that are probabilities, a class that a split lacks, a training split
    smaller than a batch.

    Args:
      task: The task or its name.
      data_dir: Folder of prepared data sets, or None for the default one.

    Raises:
      ValueError: No rule could learn the task as it is. One line names the split, the first bad row, and what to do.
    """
    task = get(task) if isinstance(task, str) else task
    splits = _call("load", lambda: task.load(data_dir))
    if not isinstance(splits, Splits):
        raise ValueError(f"The task's load must return nos_tf.tasks.Splits. Received: {type(splits).__name__}")
    named: dict[str, Split] = {field.name: getattr(splits, field.name) for field in dataclasses.fields(splits)}
    for name, split in named.items():
        labeled.check_inputs(name, np.asarray(split.inputs), np.shape(splits.train.inputs)[1:])
        labeled.check_numbers(name, "labels", np.asarray(split.labels))
    labels = {name: np.asarray(split.labels) for name, split in named.items()}
    if task.objective is CROSS_ENTROPY:
        for name, split_labels in labels.items():
            labeled.check_labels(name, split_labels)
        labeled.check_variety(labels["train"])
        classes = _check_network(task, splits.train)
        for name, split_labels in labels.items():
            labeled.check_labels(name, split_labels, classes)
        for line in labeled.missing_classes(labels):
            _warn(f"{line}. Task: {task.name}")
    else:
        _check_network(task, splits.train)
    if len(splits.train) < task.batch_size:
        _warn(f"train has fewer examples than a batch. Received: {len(splits.train)} < batch_size={task.batch_size}")


def _check_network(task: Task, train: Split) -> int:
    """Tries a forward pass and a step of SGD; returns the length of the outputs' last axis: for logits, the classes."""
    import tensorflow as tf

    model = _call("build_model", task.build_model)
    if not isinstance(model, tf.keras.Model):
        raise ValueError(f"The task's build_model must return a Keras model. Received: {type(model).__name__}")
    count = min(task.batch_size, len(train))
    inputs = tf.constant(np.asarray(train.inputs[:count]), tf.float32)
    with tf.GradientTape() as tape:
        outputs = _forward(model, inputs)
        shape = (count, *np.shape(train.labels)[1:])
        classifies = task.objective is CROSS_ENTROPY
        if not isinstance(outputs, tf.Tensor) or (classifies and outputs.shape[:-1] != shape):
            form = f"logits [{', '.join(['batch', *map(str, shape[1:]), 'classes'])}]" if classifies else "one tensor"
            raise ValueError(
                f"The network must have one output, {form}. "
                f"Received: {tf.nest.map_structure(lambda each: tuple(each.shape), outputs)} for a batch of {count}"
            )
        if not model.trainable_variables:
            raise ValueError(f"The network has no trainable weights; unfreeze a layer. Received: {model.name}")
        if not bool(tf.reduce_all(tf.math.is_finite(outputs))):
            raise ValueError(
                "The freshly initialized network outputs NaN or infinity; scale its inputs or its initial weights. "
                f"Received: inputs between {float(tf.reduce_min(inputs)):g} and {float(tf.reduce_max(inputs)):g}"
            )
        classes = int(outputs.shape[-1])
        if classifies:
            labeled.check_labels("train", np.asarray(train.labels[:count]), classes)
        labels = tf.constant(np.asarray(train.labels[:count]), task.objective.dtype)
        losses = _losses(task, labels, outputs)
        loss = tf.reduce_mean(losses) + sum(model.losses)
    weights = list(model.trainable_variables)
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        if gradient is not None:
            weight.assign_sub(tf.cast(_TINY_RATE * tf.cast(tf.convert_to_tensor(gradient), tf.float32), weight.dtype))
    if not bool(tf.reduce_all(tf.math.is_finite(_forward(model, inputs)))):
        raise ValueError(
            "After one step of SGD, the network outputs NaN or infinity; check its loss and gradients. "
            f"Received: learning rate {number(_TINY_RATE)}, loss {float(loss):g}"
        )
    sums = tf.reduce_sum(outputs, axis=-1)
    if classifies and bool(tf.reduce_all(outputs >= 0)) and np.allclose(sums, 1.0, atol=_SUM_TOLERANCE):
        _warn(f"The network outputs probabilities instead of logits; drop the softmax. Task: {task.name}")
    return classes


def _call(name: str, function: Callable[[], _Result]) -> _Result:
    """Calls one of the task's functions."""
    try:
        return function()
    except Exception as error:  # The user's function can raise anything.
        if isinstance(error, ValueError) and "\n" not in str(error):
            raise  # Most likely already a message from this package, such as that of a `Split`.
        raise ValueError(f"The task's {name} fails; call it on its own. Received: {summary(error)}") from error


def _forward(model: Any, inputs: Any) -> Any:
    try:
        return model(inputs, training=True)
    except Exception as error:  # Layers can raise anything.
        raise ValueError(
            f"The network does not accept the examples ({first_line(error)}); match its input to their shape. "
            f"Received: examples of shape {tuple(inputs.shape[1:])}"
        ) from None


def _losses(task: Task, labels: Any, outputs: Any) -> Any:
    import tensorflow as tf

    try:
        losses = task.objective.losses(labels, tf.cast(outputs, tf.float32))
    except Exception as error:  # The user's objective can raise anything.
        raise ValueError(
            f"The loss does not accept labels and outputs ({first_line(error)}); make their shapes match. "
            f"Received: labels {tuple(labels.shape)}, outputs {tuple(outputs.shape)}"
        ) from None
    if losses.shape != labels.shape:
        raise ValueError(
            f"Losses must have the shape of the labels, {tuple(labels.shape)}; check the network's output, "
            f"{tuple(outputs.shape)}. Received: losses {tuple(losses.shape)}"
        )
    return losses


def _warn(message: str) -> None:
    warnings.warn(message, TaskWarning, stacklevel=3)
