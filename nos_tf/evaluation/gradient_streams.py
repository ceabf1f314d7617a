"""Fixed streams of gradients, in the arithmetic in which children are trained.

The streams resemble what weights meet in training: gradients of all magnitudes, steady and noisy, shrinking and ending,
exact zeros, and weights of all magnitudes, including zero, as biases are initially. Half of the weights see the
gradients of a loss; the other half, otherwise identical, see those of its negative.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from nos_tf.dsl.entries import Average
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import AVERAGES, MAX_GROUPS, noise_streams

SIZES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # Typical magnitudes of gradients.
STEPS = (1, 20, 150)  # At which the rules are read; at step 0, averages and gradients cancel to mere rounding.
_TOTAL_STEPS = 200
# The weights for each size of gradients: some ordinary ones with steady gradients, then the other kinds.
ORDINARY = slice(6)
_SHRINKING, _ENDED, _FADED, _ZERO_NOW, _NEVER, _ZERO_WEIGHT, _NOTHING, _TINY, _SMALL, _LARGE, _WEIGHTS = range(6, 17)
STEADY = (_ZERO_WEIGHT, _TINY, _SMALL, _LARGE)  # Steady gradients at weights of other sizes.
_CHANGE = 10  # Step at which some gradients shrink or end.
_SEED = 20170806


@dataclasses.dataclass(frozen=True)
class _SinglePrecision(NumpyState):
    """A state in float32, with bias corrections computed as in training."""

    biases: tuple[tuple[str, np.ndarray], ...] = ()

    def constant(self, value: float) -> np.float32:  # type: ignore[override]
        return np.float32(value)

    def bias(self, name: str) -> np.ndarray:
        return dict(self.biases)[name]


@dataclasses.dataclass(frozen=True)
class Streams:
    """All streams as flattened vectors of `[2, sizes, weights, steps]`: under the loss, then under its negative.

    Attributes:
      state: What rules read, as float32 vectors.
      signal: Mean of each weight's gradients, `[2, sizes, weights, 1]`: the slope that more examples would reveal.
      shape: Shape of the vectors before flattening.
    """

    state: NumpyState
    signal: np.ndarray
    shape: tuple[int, int, int, int]


def streams() -> Streams:
    """The streams for the averages and noise operands that the language currently has."""
    return _make_streams(tuple(AVERAGES.values()), noise_streams())


@functools.cache
def _make_streams(averages: tuple[Average, ...], noises: tuple[int, ...]) -> Streams:
    rng = np.random.default_rng(_SEED)
    gradients, signal, weights = _histories(rng)
    values = {entry.name: np.zeros(gradients.shape[1:], np.float32) for entry in averages}
    read: dict[str, list[np.ndarray]] = {entry.name: [] for entry in averages}
    for step, gradient in enumerate(gradients[: max(STEPS) + 1]):
        for entry in averages:
            value: np.ndarray = values[entry.name]
            value += np.float32(1.0 - entry.beta) * (entry.compute(gradient) - value)
            if step in STEPS:
                read[entry.name].append(value.copy())
    shape = (*gradients.shape[1:], len(STEPS))
    half = shape[1:]
    completed = np.broadcast_to(np.array(STEPS, np.float32), shape).ravel()

    def drawn(draw: np.ndarray) -> np.ndarray:
        """The same draws for the loss and its negative."""
        return np.broadcast_to(draw.astype(np.float32), shape).ravel()

    def normal(stream: int) -> np.ndarray:
        draw = np.random.default_rng([_SEED, stream]).normal(size=half)
        draw[:, _TINY] *= 1e-6  # Draws this small are rare in training, but some rules reveal them.
        return drawn(draw)

    state = _SinglePrecision(
        g=np.moveaxis(gradients[list(STEPS)], 0, -1).ravel(),
        w=np.broadcast_to(weights[..., None], shape).ravel(),
        averages={name: np.stack(arrays, axis=-1).ravel() for name, arrays in read.items()},
        step=completed,
        total_steps=float(_TOTAL_STEPS),
        normals={stream: normal(stream) for stream in noises},
        uniforms=np.stack([drawn(rng.random(half)) for _ in range(2 * MAX_GROUPS)]),
        biases=tuple(
            (e.name, -np.expm1(np.float32(math.log(e.beta)) * (completed + np.float32(1.0)))) for e in averages
        ),
    )
    return Streams(state, signal[..., None], shape)


def _histories(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients `[steps, 2, sizes, weights]`, then their means and the weights, both `[2, sizes, weights]`."""
    shape = (len(SIZES), _WEIGHTS)
    size = np.array(SIZES)[:, None]
    signal = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 2.0, shape) * size
    noise = rng.normal(size=(_TOTAL_STEPS, *shape)) * np.abs(signal) * rng.uniform(0.1, 2.0, shape)
    weights = rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-2.0, 0.0, shape)
    gradients = signal + noise
    gradients[_CHANGE:, :, _SHRINKING] *= 0.01
    gradients[_CHANGE:, :, _ENDED] = 0.0
    gradients[_CHANGE:, :, _FADED] *= 1e-6
    gradients[list(STEPS), :, _ZERO_NOW] = 0.0
    gradients[:, :, [_NEVER, _NOTHING]] = 0.0
    weights[:, [_ZERO_WEIGHT, _NOTHING]] = 0.0
    weights[:, _TINY] *= 1e-4
    weights[:, _SMALL] *= 1e-2
    weights[:, _LARGE] *= 100.0
    both = np.stack([gradients, -gradients], axis=1).astype(np.float32)
    two_signals = np.stack([signal, -signal])
    return both, two_signals, np.stack([weights, weights]).astype(np.float32)
