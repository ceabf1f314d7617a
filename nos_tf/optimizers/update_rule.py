"""The arithmetic of a training step as pure functions of arrays, without Keras optimizers or variables."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from nos_tf.dsl.primitives import AVERAGES
from nos_tf.dsl.state import Array
from nos_tf.optimizers.keras_compat import xp
from nos_tf.optimizers.randomness import FIRST_NOISE_SITE, Randomness

__all__ = ["Randomness", "TensorState", "beta_of", "updated_averages"]


@dataclasses.dataclass(frozen=True)
class TensorState:
    """`nos_tf.dsl.state.State` with a backend's arrays.

    Attributes:
      g: Gradient.
      w: Weights, with the gradient's shape and dtype.
      averages: Running averages after this step's update, by name.
      step_number: Steps completed before this one, an integer scalar.
      total_steps: Total number of training steps, a scalar of the gradient's dtype; None if no decay is read.
      betas: Decay rates by name; averages that are not listed use their default rate.
      randomness: Source of the random numbers, or None if none are drawn.
      site: Position in the program at which the state is read.
    """

    g: Array
    w: Array
    averages: Mapping[str, Array]
    step_number: Array
    total_steps: Array | None
    betas: Mapping[str, float]
    randomness: Randomness | None
    site: int = 0

    xp: ClassVar[Any] = xp

    @property
    def step(self) -> Array:
        return xp.cast(self.step_number, self.g.dtype)

    def constant(self, value: float) -> Array:
        return xp.convert_to_tensor(value, dtype=self.g.dtype)

    def average(self, name: str) -> Array:
        return self.averages[name]

    def bias(self, name: str) -> Array:
        beta = beta_of(name, self.betas)
        # In float32, 1 - 0.999 ** t is wrong in the fifth digit at the first steps.
        log_beta = math.log(beta) if beta > 0.0 else -math.inf
        return -xp.expm1(self.constant(log_beta) * (self.step + self.constant(1.0)))

    def normal(self, stream: int) -> Array:
        return self._draw(FIRST_NOISE_SITE + stream, normal=True)

    def uniform(self) -> Array:
        return self._draw(self.site, normal=False)

    def at_site(self, site: int) -> TensorState:
        return dataclasses.replace(self, site=site)

    def _draw(self, site: int, normal: bool) -> Array:
        assert self.randomness is not None
        return xp.reshape(self.randomness.draw(site, self.step_number, self.g.dtype, normal), self.g.shape)


def beta_of(name: str, betas: Mapping[str, float]) -> float:
    """Decay rate of an average: the given one, or the default."""
    return betas.get(name, AVERAGES[name].beta)


def updated_averages(
    slots: Iterable[str], averages: Mapping[str, Array], gradient: Array, betas: Mapping[str, float]
) -> dict[str, Array]:
    """The running averages after a step: `average + (1 - beta) * (value - average)`, in Keras' order.

    Args:
      slots: Names of the averages to update.
      averages: Their current values, with the gradient's shape and dtype.
      gradient: This step's gradient.
      betas: Decay rates by name; averages that are not listed use their default rate.
    """
    updated = {}
    for name in slots:
        rest = xp.convert_to_tensor(1.0 - beta_of(name, betas), dtype=gradient.dtype)
        updated[name] = averages[name] + rest * (AVERAGES[name].compute(gradient) - averages[name])
    return updated
