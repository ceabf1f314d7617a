"""The arithmetic of a training step as pure functions of TensorFlow tensors, without Keras and without variables."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import tensorflow as tf

from nos_tf.dsl.entries import NOISE_STREAMS
from nos_tf.dsl.primitives import AVERAGES, MAX_GROUPS


class _TensorFlow:
    """TensorFlow's element-wise functions; some, such as `log`, stand in `tf.math` alone."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(tf, name, None) or getattr(tf.math, name, None)
        if function is None:
            raise AttributeError(f"Neither tf nor tf.math has a function of this name. Received: {name!r}")
        return function


TENSORFLOW = _TensorFlow()
# Random streams of one variable: those of both sides of every group, then those of the noise operands.
_FIRST_NOISE_SITE = 2 * MAX_GROUPS
_SITES = _FIRST_NOISE_SITE + NOISE_STREAMS


@dataclasses.dataclass(frozen=True)
class Randomness:
    """Where a step's random numbers come from: the same seed, variable, step and site give the same numbers again.

    Attributes:
      seed: Seed of the training, below 2**32; an integer or an int64 scalar.
      sizes: Number of weights of each variable, by the variable's index in the model. More than one variable are
        drawn for one after the other, into one vector.
    """

    seed: int | tf.Tensor
    sizes: Mapping[int, int]

    def draw(self, site: int, step: tf.Tensor, dtype: tf.DType, normal: bool) -> tf.Tensor:
        """Uniform draws from [0, 1) in steps of 2**-24, or standard normal ones, of shape `[sum(sizes)]`."""
        draws = []
        for index, size in self.sizes.items():
            stream = tf.cast(self.seed, tf.int64) * 2**28 + tf.cast(index * _SITES + site, tf.int64)
            seed = tf.stack([stream, tf.cast(step, tf.int64)])
            if normal:
                uniform = _uniform(2 * size, seed, dtype)
                draws.append(_box_muller(uniform[:size], uniform[size:]))
            else:
                draws.append(_uniform(size, seed, dtype))
        return draws[0] if len(draws) == 1 else tf.concat(draws, axis=0)


@dataclasses.dataclass(frozen=True)
class TensorState:
    """`dsl.primitives.State` over TensorFlow tensors.

    Attributes:
      g: Gradient.
      w: Weights, shaped and typed like the gradient.
      averages: Running averages after this step's update, by name.
      step_number: Steps completed before this one, an integer scalar.
      total_steps: Length of the training in steps; a scalar of the gradient's dtype, or None where no decay is read.
      betas: Decay rates by name; an average that is not named has its default rate.
      randomness: Source of the random numbers, or None where none are drawn.
      site: Where in the program the state is read.
    """

    g: tf.Tensor
    w: tf.Tensor
    averages: Mapping[str, tf.Tensor]
    step_number: tf.Tensor
    total_steps: tf.Tensor | None
    betas: Mapping[str, float]
    randomness: Randomness | None
    site: int = 0

    xp: ClassVar[Any] = TENSORFLOW

    @property
    def step(self) -> tf.Tensor:
        return tf.cast(self.step_number, self.g.dtype)

    def constant(self, value: float) -> tf.Tensor:
        return tf.constant(value, self.g.dtype)

    def average(self, name: str) -> tf.Tensor:
        return self.averages[name]

    def bias(self, name: str) -> tf.Tensor:
        beta = beta_of(name, self.betas)
        # In float32, 1 - 0.999 ** t is wrong in the fifth digit at the first steps.
        log_beta = math.log(beta) if beta > 0.0 else -math.inf
        return -tf.math.expm1(self.constant(log_beta) * (self.step + self.constant(1.0)))

    def normal(self, stream: int) -> tf.Tensor:
        return self._draw(_FIRST_NOISE_SITE + stream, normal=True)

    def uniform(self) -> tf.Tensor:
        return self._draw(self.site, normal=False)

    def at_site(self, site: int) -> TensorState:
        return dataclasses.replace(self, site=site)

    def _draw(self, site: int, normal: bool) -> tf.Tensor:
        assert self.randomness is not None
        return tf.reshape(self.randomness.draw(site, self.step_number, self.g.dtype, normal), tf.shape(self.g))


def beta_of(name: str, betas: Mapping[str, float]) -> float:
    """Decay rate of an average: the given one, or the default."""
    return betas.get(name, AVERAGES[name].beta)


def updated_averages(
    slots: Iterable[str], averages: Mapping[str, tf.Tensor], gradient: tf.Tensor, betas: Mapping[str, float]
) -> dict[str, tf.Tensor]:
    """The running averages after a step: `average + (1 - beta) * (value - average)`, in Keras' order.

    Args:
      slots: Names of the averages to update.
      averages: Their present values, shaped and typed like the gradient.
      gradient: This step's gradient.
      betas: Decay rates by name; an average that is not named has its default rate.
    """
    updated = {}
    for name in slots:
        rest = tf.constant(1.0 - beta_of(name, betas), gradient.dtype)
        updated[name] = averages[name] + rest * (AVERAGES[name].compute(gradient) - averages[name])
    return updated


def _uniform(size: int, seed: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    # Philox's bits are the same on every device; TensorFlow and XLA differ in the floats that they make of them.
    bits = tf.random.stateless_uniform([size], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox")
    return tf.cast(tf.cast(tf.bitwise.right_shift(bits, 8), tf.int32), dtype) * tf.constant(2.0**-24, dtype)


def _box_muller(uniform1: tf.Tensor, uniform2: tf.Tensor) -> tf.Tensor:
    radius = tf.sqrt(-2.0 * tf.math.log1p(-uniform1))
    return radius * tf.cos(2.0 * math.pi * uniform2)
