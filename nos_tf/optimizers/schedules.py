"""Learning-rate schedules, including those found by the same search.

Source: Bello et al., 2018 arXiv extension; TensorFlow 1.x has the schedules found there as
`tf.train.linear_cosine_decay` and `tf.train.noisy_linear_cosine_decay`.
"""

from __future__ import annotations

import math
from typing import Any

from nos_tf.common.errors import unknown
from nos_tf.dsl.state import Array
from nos_tf.optimizers.keras_compat import keras, register_serializable, xp
from nos_tf.optimizers.randomness import SCHEDULE, Randomness
from nos_tf.optimizers.validation import check_seed, check_steps


@register_serializable
class LinearCosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`lr(t) = initial_learning_rate * ((alpha + ld) * cd_n + beta)`; ld = 1 - t/T, cd_n = (1 + cos(2 pi n t/T)) / 2.

    After `T` steps, the rate keeps its last value.

    Example:
    >>> schedule = nos_tf.optimizers.schedules.LinearCosineDecay(0.1, decay_steps=10_000)

    Args:
      initial_learning_rate: Rate that scales the whole schedule.
      decay_steps: Length of the decay, `T`, in steps.
      num_periods: Number of cosine periods, `n`.
      alpha: Constant added to the linear part.
      beta: Constant added at the end, in units of the initial rate.

    Raises:
      ValueError: `decay_steps` is not a positive integer.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        num_periods: float = 0.5,
        alpha: float = 0.0,
        beta: float = 0.001,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.num_periods = num_periods
        self.alpha = alpha
        self.beta = beta

    def __call__(self, step: Any) -> Array:
        step = xp.cast(step, "float32")
        progress = xp.minimum(step / self.decay_steps, 1.0)
        cosine = 0.5 * (1.0 + xp.cos(2.0 * math.pi * self.num_periods * progress))
        linear = 1.0 - progress + self.noise(step)
        return self.initial_learning_rate * ((self.alpha + linear) * cosine + self.beta)

    def noise(self, step: Array) -> Array | float:
        """Noise added to the linear part."""
        del step
        return 0.0

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "num_periods": self.num_periods,
            "alpha": self.alpha,
            "beta": self.beta,
        }


@register_serializable
class NoisyLinearCosineDecay(LinearCosineDecay):
    """Linear cosine decay with noise of variance `initial_variance / (1 + t)**variance_decay` in its linear part.

    The noise of a step depends only on the seed and the step.

    Args:
      initial_learning_rate: Rate that scales the whole schedule.
      decay_steps: Length of the decay, `T`, in steps.
      initial_variance: Variance of the noise at the first step.
      variance_decay: Exponent of the variance's decay.
      num_periods: Number of cosine periods.
      alpha: Constant added to the linear part.
      beta: Constant added at the end, in units of the initial rate.
      seed: Seed of the noise, in [0, 2**32).

    Raises:
      ValueError: `decay_steps` is not a positive integer, or the seed is out of range.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        initial_variance: float = 1.0,
        variance_decay: float = 0.55,
        num_periods: float = 0.5,
        alpha: float = 0.0,
        beta: float = 0.001,
        seed: int = 0,
    ):
        super().__init__(initial_learning_rate, decay_steps, num_periods, alpha, beta)
        self.initial_variance = initial_variance
        self.variance_decay = variance_decay
        self.seed = check_seed(seed)

    def noise(self, step: Array) -> Array:
        """Normal noise with this step's variance."""
        deviation = xp.sqrt(self.initial_variance / (1.0 + step) ** self.variance_decay)
        return deviation * Randomness(self.seed, {SCHEDULE: 1}).draw(site=0, step=step, dtype="float32", normal=True)[0]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "initial_variance": self.initial_variance,
            "variance_decay": self.variance_decay,
            "seed": self.seed,
        }


def _restarts(learning_rate: float, total_steps: int) -> Any:
    return keras.optimizers.schedules.CosineDecayRestarts(learning_rate, first_decay_steps=total_steps / 10, t_mul=1.0)


_SCHEDULES = {
    "constant": lambda learning_rate, total_steps: learning_rate,
    "cosine": keras.optimizers.schedules.CosineDecay,
    "restarts": _restarts,
    "linear_cosine": LinearCosineDecay,
    "noisy_linear_cosine": NoisyLinearCosineDecay,
}


def names() -> tuple[str, ...]:
    """Names that `get` accepts."""
    return tuple(_SCHEDULES)


def get(name: str, learning_rate: float, total_steps: int) -> Any:
    """Creates a schedule: constant, cosine, restarts (ten cosine periods), linear_cosine or noisy_linear_cosine.

    Args:
      name: One of `names()`.
      learning_rate: Initial rate.
      total_steps: Total number of training steps.

    Returns:
      A `LearningRateSchedule`, or the learning rate itself for "constant".

    Raises:
      ValueError: The name is unknown, or `total_steps` is not a positive integer.
    """
    if name not in _SCHEDULES:
        raise ValueError(unknown("schedule", name, _SCHEDULES))
    return _SCHEDULES[name](learning_rate, check_steps("total_steps", total_steps))
