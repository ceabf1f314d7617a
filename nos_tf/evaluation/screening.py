"""Rules that cannot learn, found without training them.

An update that stays the same when the loss changes its sign treats climbing and descending alike: trained on `L` and on
`-L` it takes the same path. Changing the loss's sign changes that of `g`, `m`, `gamma` and of what is odd in them, and
leaves `v` as it is.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from nos_tf.dsl import Program, evaluate
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import AVERAGES, MAX_GROUPS, noise_streams

_PROBES = 256
_TOTAL_STEPS = 100.0


@functools.cache
def _states(names: tuple[str, ...], streams: tuple[int, ...]) -> tuple[NumpyState, NumpyState]:
    """A state of as many weights as probes, of many sizes, and the same one under the loss of opposite sign.

    Args:
      names: Running averages.
      streams: Streams of noise.
    """
    rng = np.random.default_rng(0)

    def values() -> np.ndarray:
        return rng.normal(size=_PROBES) * 10.0 ** rng.uniform(-4.0, 1.0, _PROBES)

    state = NumpyState(
        g=values(),
        w=values(),
        averages={name: _values_from(AVERAGES[name].low, values()) for name in names},
        step=rng.integers(0, int(_TOTAL_STEPS), _PROBES).astype(float),
        total_steps=_TOTAL_STEPS,
        normals={stream: rng.normal(size=_PROBES) for stream in streams},
        uniforms=rng.uniform(size=(2 * MAX_GROUPS, _PROBES)),
    )
    opposite = {name: array if AVERAGES[name].even else -array for name, array in state.averages.items()}
    return state, dataclasses.replace(state, g=-state.g, averages=opposite)


def _values_from(low: float, values: np.ndarray) -> np.ndarray:
    return low + values**2 if math.isfinite(low) else values


def cannot_learn(program: Program) -> bool:
    """Whether the update is the same for a loss and for its negative, on every probe."""
    with np.errstate(all="ignore"):
        climbing, descending = (evaluate(program, state) for state in _states(tuple(AVERAGES), noise_streams()))
    return bool(np.array_equal(climbing, descending, equal_nan=True))
