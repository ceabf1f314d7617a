"""Trains several optimizers side by side on given gradients, and compares the results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tests.conformance.subjects import SUBJECTS

RATE = 0.25
SHAPES = ((3, 2), (4,))
States = list[list[tf.Tensor]]  # For each subject, its step count, slots and weights.

_PERTURBATIONS = 8


def gradients(step: int) -> list[tf.Tensor]:
    """Returns the gradients of a step, one of each shape, whose signs change from step to step."""
    rng = np.random.default_rng([7, step])
    return [tf.constant(0.5 * rng.standard_normal(shape), tf.float32) for shape in SHAPES]


class Training:
    """Optimizers with the given names, each with its own weights.

    Args:
      names: Keys of `SUBJECTS`.
      dtype: Data type of all weights.
      make: Function that creates an optimizer by name; by default, `SUBJECTS` is used.
      **kwargs: Arguments for every optimizer.
    """

    def __init__(
        self,
        names: Sequence[str],
        dtype: str = "float32",
        make: Callable[..., tf.keras.optimizers.Optimizer] | None = None,
        **kwargs: Any,
    ):
        self.names = names
        self.dtype = tf.as_dtype(dtype)
        kwargs.setdefault("learning_rate", RATE)
        self.optimizers = [make(name) if make else SUBJECTS[name](**kwargs) for name in names]
        rng = np.random.default_rng(11)
        start = [tf.cast(rng.standard_normal(shape), self.dtype) for shape in SHAPES]
        self.weights = [[tf.Variable(value) for value in start] for _ in names]
        for optimizer, weights in zip(self.optimizers, self.weights, strict=True):
            optimizer.build(weights)
        self.start = self.states()

    def variables(self) -> list[list[Any]]:
        """Returns the step count, slots and weights of each subject."""
        return [
            [v for v in optimizer.variables if len(v.shape) or tf.as_dtype(v.dtype).is_integer] + weights
            for optimizer, weights in zip(self.optimizers, self.weights, strict=True)
        ]

    def step(self, gradients: Sequence[Any]) -> None:
        """Takes a step with every subject."""
        gradients = [gradient if gradient is None else _cast(gradient, self.dtype) for gradient in gradients]
        for optimizer, weights in zip(self.optimizers, self.weights, strict=True):
            optimizer.apply_gradients(list(zip(gradients, weights, strict=True)))

    def states(self) -> States:
        return [[tf.identity(tf.convert_to_tensor(v)) for v in variables] for variables in self.variables()]

    def load(self, states: States) -> None:
        for variables, values in zip(self.variables(), states, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(tf.cast(value, variable.dtype))

    def transition(self, states: States, gradients: Sequence[Any]) -> States:
        """Takes a step from the given states, and returns the states after it."""
        self.load(states)
        self.step(gradients)
        return self.states()

    @functools.cached_property
    def traced_transition(self) -> Any:
        return tf.function(self.transition)

    def advance(self, gradients: Sequence[Any]) -> States:
        """Takes a traced step, and returns the states after it."""
        return self.traced_transition(self.states(), gradients)

    def run(self, steps: range) -> States:
        """Takes steps with the gradients of `gradients`, and returns the states after them."""
        for step in steps:
            self.advance(gradients(step))
        return self.states()


@functools.lru_cache(maxsize=4)
def _plain(names: tuple[str, ...], dtype: str) -> Training:
    return Training(names, dtype)


def plain(names: Sequence[str], dtype: str = "float32") -> Training:
    """Returns optimizers with default arguments in their initial states; tests with the same names share the traces."""
    training = _plain(tuple(names), dtype)
    training.load(training.start)
    return training


def _cast(gradient: Any, dtype: tf.DType) -> Any:
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(tf.cast(gradient.values, dtype), gradient.indices, gradient.dense_shape)
    return tf.cast(gradient, dtype)


def assert_equal(names: Sequence[str], actual: States, expected: States) -> None:
    """Asserts that states are bit-identical; NaN equals NaN."""
    for name, actual_values, expected_values in zip(names, actual, expected, strict=True):
        for value, other in zip(actual_values, expected_values, strict=True):
            np.testing.assert_array_equal(value, other, err_msg=name)


def assert_same_step(
    names: Sequence[str],
    states: States,
    gradients: Sequence[tf.Tensor],
    actual: States,
    epsilon: float = 1e-6,
    smallest: float = 1e-30,
) -> None:
    """Asserts that the states after a step match those of the plain optimizers, up to rounding.

    The effect of rounding is measured by steps from states and gradients perturbed by a relative `epsilon`, in float32
    and in float64. Each value may differ as much as these perturbations change it; values that become infinite or
    finite are not compared. Differences up to `smallest` count as underflow.
    """
    rng = np.random.default_rng(0)
    runs: dict[str, list[States]] = {"float32": [], "float64": []}
    for scale in (0.0, *[epsilon] * _PERTURBATIONS):
        start, values = _perturbed(states, rng, scale), _perturbed([gradients], rng, scale)[0]
        for dtype, results in runs.items():
            results.append(
                plain(names, dtype).traced_transition(_cast_all(start, dtype), _cast_all([values], dtype)[0])
            )
    compared = total = 0
    for i, name in enumerate(names):
        for j, value in enumerate(actual[i]):
            # Cast first, because a value that is finite in float64 may overflow in this dtype.
            rounded, exact = (
                np.stack([np.asarray(tf.cast(run[i][j], value.dtype), np.float64) for run in results])
                for results in runs.values()
            )
            value, before = (np.asarray(x, np.float64) for x in (value, states[i][j]))
            expected = exact[0]
            with np.errstate(invalid="ignore"):
                stable = (np.isfinite([*rounded, *exact]) == np.isfinite(expected)).all(axis=0)
                spread = np.abs(exact - expected).max(axis=0) + np.abs(rounded - exact).max(axis=0)
                tolerance = 4.0 * (spread + epsilon * np.maximum(np.abs(before), np.abs(expected))) + smallest
                same = (np.abs(value - expected) <= tolerance) | (value == expected)
            same |= np.isnan(value) & np.isnan(expected)
            assert (same | ~stable).all(), f"{name}, value {j}: {value} is not {expected} within {tolerance}"
            compared += stable.sum()
            total += stable.size
    assert compared > 0.95 * total


def _perturbed(values: Sequence[Sequence[tf.Tensor]], rng: np.random.Generator, epsilon: float) -> States:
    """Returns the values, except integers, in float64 and perturbed by a relative `epsilon`."""
    return [
        [
            x if x.dtype.is_integer else tf.cast(x, tf.float64) * (1.0 + epsilon * rng.standard_normal(x.shape))
            for x in subject
        ]
        for subject in values
    ]


def _cast_all(values: Sequence[Sequence[tf.Tensor]], dtype: str) -> States:
    return [[x if x.dtype.is_integer else tf.cast(x, dtype) for x in subject] for subject in values]
