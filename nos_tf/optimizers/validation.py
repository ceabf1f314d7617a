"""Validation of the optimizers' arguments."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np


def check_learning_rate(value: Any) -> Any:
    """Converts a Python, NumPy or TensorFlow number to a float; returns schedules and callables as they are."""
    if isinstance(value, numbers.Real):
        return float(value)
    if callable(value) or isinstance(value, (dict, str)):  # A dictionary is a schedule's configuration.
        return value
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iuf":
        raise ValueError(f"learning_rate must be a number or a LearningRateSchedule. Received: {value!r}")
    return float(array)


def check_beta(name: str, value: float) -> float:
    """Returns the value if it is a decay rate in [0, 1)."""
    if not isinstance(value, numbers.Real) or not 0.0 <= value < 1.0:
        raise ValueError(f"{name} must be a number in [0, 1). Received: {name}={value!r}")
    return float(value)


def check_seed(value: int) -> int:
    """Returns the value if it is a valid seed."""
    if not isinstance(value, numbers.Integral) or not 0 <= value < 2**32:
        raise ValueError(f"seed must be an integer in [0, 2**32). Received: seed={value!r}")
    return int(value)


def check_steps(name: str, value: int) -> int:
    """Returns the value if it is a number of steps."""
    if not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {name}={value!r}")
    return int(value)


def check_total_steps(value: int | None, needed_by: str | None) -> int | None:
    """Returns the value if it is a number of steps, or None if nothing needs it."""
    if value is None and needed_by is not None:
        raise ValueError(
            f"{needed_by} decays over the training run, so pass its length in steps as total_steps. "
            "Received: total_steps=None"
        )
    return None if value is None else check_steps("total_steps", value)
