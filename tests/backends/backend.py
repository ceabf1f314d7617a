"""Optimizer steps as users of each backend take them; only this file of the tests distinguishes backends."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nos_tf.optimizers.keras_compat import BACKEND, keras

__all__ = ["BACKEND", "double_precision", "keras", "numpy", "stepper"]


def numpy(array: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(array))


def double_precision() -> contextlib.AbstractContextManager[Any]:
    """Allows float64, which JAX does not by default."""
    return importlib.import_module("jax").enable_x64(True) if BACKEND == "jax" else contextlib.nullcontext()


def stepper(optimizers: Sequence[Any], variables: Sequence[Sequence[Any]], jit: bool = True) -> Callable[..., None]:
    """Returns a function of gradients that takes a step with each optimizer on its variables.

    Args:
      optimizers: Built optimizers.
      variables: Variables of each optimizer; all optimizers see the same gradients.
      jit: Whether to trace and compile the step, if the backend supports it.
    """

    def eager(*gradients: Any) -> None:
        for optimizer, each in zip(optimizers, variables, strict=True):
            optimizer.apply(list(gradients), each)

    if BACKEND == "tensorflow":
        return importlib.import_module("tensorflow").function(eager) if jit else eager
    if BACKEND == "torch":
        return importlib.import_module("torch").no_grad()(eager)
    if not jit:
        return eager

    def step(states: Any, *gradients: Any) -> Any:
        return [
            optimizer.stateless_apply(own, list(gradients), weights)
            for optimizer, (weights, own) in zip(optimizers, states, strict=True)
        ]

    compiled = importlib.import_module("jax").jit(step)

    def apply(*gradients: Any) -> None:
        groups = [(each, optimizer.variables) for optimizer, each in zip(optimizers, variables, strict=True)]
        states = [([v.value for v in each], [v.value for v in own]) for each, own in groups]
        for group, values in zip(groups, compiled(states, *gradients), strict=True):
            for own, new in zip(group, values, strict=True):
                for variable, value in zip(own, new, strict=True):
                    variable.assign(value)

    return apply
