"""`State` over NumPy arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nos_tf.dsl.primitives import AVERAGES
from nos_tf.dsl.state import Array


@dataclasses.dataclass(frozen=True)
class NumpyState:
    """One weight tensor at one step, with averages that have their default decay rates.

    Attributes:
      g: Gradient.
      w: Weights.
      averages: Running averages by name, without bias correction.
      step: Steps completed before this one; a scalar, or one number per weight.
      total_steps: Total number of training steps.
      normals: Standard normal draws for each noise stream.
      uniforms: Draws from [0, 1) for each site.
      site: Position in the program at which the state is read.
    """

    g: Array
    w: Array
    averages: Mapping[str, Array]
    step: Array
    total_steps: float
    normals: Mapping[int, Array]
    uniforms: Sequence[Array] | np.ndarray
    site: int = 0

    xp: ClassVar[Any] = np

    def constant(self, value: float) -> np.float64:
        return np.float64(value)

    def average(self, name: str) -> Array:
        return self.averages[name]

    def bias(self, name: str) -> Array:
        return bias(name, self.step)

    def normal(self, stream: int) -> Array:
        return self.normals[stream]

    def uniform(self) -> Array:
        return self.uniforms[self.site]

    def at_site(self, site: int) -> NumpyState:
        return dataclasses.replace(self, site=site)


def bias(name: str, step: Array) -> Array:
    """Bias correction that divides an average with the default decay rate after `step + 1` steps."""
    return 1.0 - AVERAGES[name].beta ** (step + 1.0)
