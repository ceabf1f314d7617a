"""Expected updates of a rule for given gradients and weights, computed by the NumPy twin."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from nos_tf.dsl import Program
from nos_tf.optimizers.update_rule import Randomness
from tests.dsl import numpy_twin

NOISE_SITE, ANNEALED_NOISE_SITE = 8, 9  # These follow the eight sides of four groups.
_EXACT = ("1", "2", "sign(g)", "sign(m)", "lion")
_PERTURBATIONS = 8


@dataclasses.dataclass(frozen=True)
class Trace:
    """A training: gradients that change sign, and the weights before each step, both of shape `[steps, size]`."""

    gradients: np.ndarray
    weights: np.ndarray

    @property
    def steps(self) -> int:
        return len(self.gradients)

    @functools.cached_property
    def operands(self) -> dict[str, np.ndarray]:
        """Returns all deterministic operands, of shape `[steps, size]`, for a training as long as the trace."""
        averages = numpy_twin.Averages.zeros(self.gradients.shape[1:])
        steps = [
            averages.operands(g, w, total_steps=self.steps) for g, w in zip(self.gradients, self.weights, strict=True)
        ]
        return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


def trace(seed: int, steps: int = 100, size: int = 12) -> Trace:
    """Returns a trace with gradients of different magnitudes that change sign and are sometimes, or always, zero."""
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal([steps, size]) * 10.0 ** rng.uniform(-2.0, 0.3, size)
    gradients[rng.uniform(size=gradients.shape) < 0.02] = 0.0
    gradients[:, 0] = 0.0
    return Trace(gradients, rng.standard_normal([steps, size]))


def expected_updates(program: Program, trace: Trace, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the updates of each step, and a mask of those that do not depend on rounding.

    A value depends on rounding, like sign(x - x (1 + 1e-16)), if changing the twelfth digit of the operands changes it.
    """
    operands = dict(trace.operands)
    size = trace.gradients.shape[1]

    @functools.cache
    def draws(site: int, normal: bool) -> np.ndarray:
        return _draws(tf.constant(seed, tf.int64), tf.constant(site, tf.int64), trace.steps, size, normal).numpy()

    if "noise" in program.operands:
        operands["noise"] = 0.1 * draws(NOISE_SITE, normal=True)
    if "annealed_noise" in program.operands:
        deviation = np.sqrt(1.0 / (1.0 + np.arange(trace.steps)) ** 0.55)
        operands["annealed_noise"] = deviation[:, None] * draws(ANNEALED_NOISE_SITE, normal=True)

    def keep(rate: float, site: int) -> np.ndarray:
        return draws(site, normal=False) >= rate

    with np.errstate(all="ignore"):
        value = _broadcast(numpy_twin.update(program, operands, keep), trace)
        known = np.ones(value.shape, bool)
        rng = np.random.default_rng(seed)
        for _ in range(_PERTURBATIONS):
            changed = {
                name: array if name in _EXACT else array * (1.0 + 1e-12 * rng.standard_normal(array.shape))
                for name, array in operands.items()
            }
            other = _broadcast(numpy_twin.update(program, changed, keep), trace)
            known &= np.isclose(other, value, rtol=1e-8, atol=1e-12, equal_nan=True)
    return value, known


@tf.function
def _draws(seed: tf.Tensor, site: tf.Tensor, steps: int, size: int, normal: bool) -> tf.Tensor:
    source = Randomness(seed, {0: size})
    return tf.map_fn(
        lambda step: source.draw(site, step, tf.float64, normal),
        tf.range(steps),
        fn_output_signature=tf.TensorSpec([size], tf.float64),
    )


def _broadcast(value: np.ndarray, trace: Trace) -> np.ndarray:
    return np.broadcast_to(value, trace.gradients.shape)
