"""Rules that cannot learn, found without training them.

An update that stays the same when the loss changes its sign treats climbing and descending alike: trained on `L` and on
`-L` it takes the same path. Changing the loss's sign changes that of `g`, `m`, `gamma` and of what is odd in them, and
leaves `v` as it is.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from nos_tf.dsl import Program, evaluate
from nos_tf.dsl.primitives import AVERAGES

_PROBES = 256
_TOTAL_STEPS = 100.0


@dataclasses.dataclass(frozen=True)
class _ProbeState:
    """`dsl.primitives.State` over fixed random numbers, one weight a probe."""

    g: np.ndarray
    w: np.ndarray
    averages: Mapping[str, np.ndarray]
    step: np.ndarray
    noise: np.ndarray
    draws: np.ndarray
    site: int = 0

    xp = np
    total_steps = np.float64(_TOTAL_STEPS)

    def constant(self, value: float) -> np.float64:
        return np.float64(value)

    def average(self, name: str) -> np.ndarray:
        return self.averages[name]

    def bias(self, name: str) -> np.ndarray:
        return 1.0 - AVERAGES[name].beta ** (self.step + 1.0)

    def normal(self, stream: int) -> np.ndarray:
        return self.noise[stream]

    def uniform(self) -> np.ndarray:
        return self.draws[self.site]

    def at_site(self, site: int) -> _ProbeState:
        return dataclasses.replace(self, site=site)


@functools.cache
def _states() -> tuple[_ProbeState, _ProbeState]:
    """A state with weights and gradients of many sizes, and the same one under the loss of opposite sign."""
    rng = np.random.default_rng(0)

    def values() -> np.ndarray:
        return rng.normal(size=_PROBES) * 10.0 ** rng.uniform(-4.0, 1.0, _PROBES)

    state = _ProbeState(
        g=values(),
        w=values(),
        averages={"m": values(), "v": values() ** 2, "gamma": values()},
        step=rng.integers(0, int(_TOTAL_STEPS), _PROBES).astype(float),
        noise=0.1 * rng.normal(size=(2, _PROBES)),
        draws=rng.uniform(size=(8, _PROBES)),
    )
    opposite = {name: values if name == "v" else -values for name, values in state.averages.items()}
    return state, dataclasses.replace(state, g=-state.g, averages=opposite)


def cannot_learn(program: Program) -> bool:
    """Whether the update is the same for a loss and for its negative, on every probe."""
    with np.errstate(all="ignore"):
        climbing, descending = (evaluate(program, state) for state in _states())
    return bool(np.array_equal(climbing, descending, equal_nan=True))
