"""PowerSign and AddSign: the two optimizers that the search found, with any base and decays of the sign's weight."""

from __future__ import annotations

import abc
import functools
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from nos_tf.dsl import primitives
from nos_tf.optimizers.keras_api import RuleOptimizer, register_serializable
from nos_tf.optimizers.update_rule import TENSORFLOW
from nos_tf.optimizers.validation import check_beta, check_total_steps

SignDecay = Callable[[tf.Tensor, tf.Tensor, Any], tf.Tensor]  # Of t, T and element-wise functions.

SIGN_DECAYS: dict[str, SignDecay] = {
    "ld": primitives.linear_decay,
    "cd": primitives.cosine_decay,
    "rd10": functools.partial(primitives.restart_decay, restarts=10),
    "rd20": functools.partial(primitives.restart_decay, restarts=20),
}


class _SignOptimizer(RuleOptimizer):
    """Scales each weight's gradient by whether it agrees in sign with its running average.

    The average `m <- beta m + (1 - beta) g` is updated before it is read and not bias-corrected. All arithmetic is done
    in the variables' own dtype, like that of TensorFlow's `ResourceApplyPowerSign` and `ResourceApplyAddSign`, except
    that the decay is computed in float32 at least.
    """

    def __init__(self, learning_rate: Any, beta: float, sign_decay: str | None, total_steps: int | None, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        if sign_decay is not None and sign_decay not in SIGN_DECAYS:
            raise ValueError(f"sign_decay must be None or one of {', '.join(SIGN_DECAYS)}. Received: {sign_decay!r}")
        self.beta = check_beta("beta", beta)
        self.sign_decay = sign_decay
        self.total_steps = check_total_steps(total_steps, f"sign_decay={sign_decay!r}" if sign_decay else None)

    @property
    def slot_names(self) -> tuple[str, ...]:
        return ("m",)

    @abc.abstractmethod
    def scale(self, agreement: tf.Tensor) -> tf.Tensor:
        """Factor of the gradient, from `f(t) sign(g) sign(m)`."""

    def update(
        self, gradient: tf.Tensor, weights: tf.Tensor, slots: Mapping[str, tf.Tensor], step: tf.Tensor, index: int
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        beta = tf.constant(self.beta, gradient.dtype)
        average = beta * slots["m"] + (1.0 - beta) * gradient
        agreement = tf.sign(gradient) * tf.sign(average)
        if self.sign_decay is not None:
            decay = self._decay(SIGN_DECAYS[self.sign_decay], step, gradient.dtype)
            agreement = tf.cast(decay, gradient.dtype) * agreement
        return self.scale(agreement) * gradient, {"m": average}

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta": self.beta,
            "sign_decay": self.sign_decay,
            "total_steps": self.total_steps,
        }

    def _decay(self, decay: SignDecay, step: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        dtype = tf.float32 if dtype.size < 4 else dtype
        return decay(tf.cast(step, dtype), tf.constant(self.total_steps, dtype), TENSORFLOW)


@register_serializable
class PowerSign(_SignOptimizer):
    """`m <- beta m + (1 - beta) g;  w <- w - learning_rate * base**(f(t) sign(g) sign(m)) * g`.

    Example:
    >>> model.compile(nos_tf.optimizers.PowerSign(0.1, sign_decay="cd", total_steps=10_000), "mse")

    Args:
      learning_rate: A number or a `LearningRateSchedule`.
      base: Base of the power, above 0; the paper uses e and 2.
      beta: Decay rate of the running average, in [0, 1).
      sign_decay: Decay `f(t)` of the sign's weight: None (always 1), `"ld"` (linear), `"cd"` (cosine), `"rd10"` or
        `"rd20"` (cosine with 10 or 20 restarts).
      total_steps: Length of the training in updates; required by a `sign_decay`.
      **kwargs: The keyword arguments of every Keras optimizer.

    Raises:
      ValueError: A number is out of range, the decay is unknown, or it lacks its `total_steps`.

    References:
      Bello et al. (2017), section 5 and its 2018 arXiv extension.
    """

    def __init__(
        self,
        learning_rate: Any = 0.1,
        base: float = math.e,
        beta: float = 0.9,
        sign_decay: str | None = None,
        total_steps: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta, sign_decay, total_steps, **kwargs)
        if not isinstance(base, numbers.Real) or not 0.0 < base < math.inf:
            raise ValueError(f"base must be a positive number. Received: base={base!r}")
        self.base: float = float(base)

    def scale(self, agreement: tf.Tensor) -> tf.Tensor:
        return tf.exp(tf.constant(math.log(self.base), agreement.dtype) * agreement)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"base": self.base}


@register_serializable
class AddSign(_SignOptimizer):
    """`m <- beta m + (1 - beta) g;  w <- w - learning_rate * (alpha + f(t) sign(g) sign(m)) * g`.

    Example:
    >>> model.compile(nos_tf.optimizers.AddSign(0.1), "mse")

    Args:
      learning_rate: A number or a `LearningRateSchedule`.
      alpha: What the sign is added to; the paper uses 1 and 2.
      beta: Decay rate of the running average, in [0, 1).
      sign_decay: Decay `f(t)` of the sign's weight, as `PowerSign`'s.
      total_steps: Length of the training in updates; required by a `sign_decay`.
      **kwargs: The keyword arguments of every Keras optimizer.

    Raises:
      ValueError: A number is out of range, the decay is unknown, or it lacks its `total_steps`.

    References:
      Bello et al. (2017), section 5 and its 2018 arXiv extension.
    """

    def __init__(
        self,
        learning_rate: Any = 0.1,
        alpha: float = 1.0,
        beta: float = 0.9,
        sign_decay: str | None = None,
        total_steps: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta, sign_decay, total_steps, **kwargs)
        if not isinstance(alpha, numbers.Real) or not math.isfinite(alpha):
            raise ValueError(f"alpha must be a finite number. Received: alpha={alpha!r}")
        self.alpha: float = float(alpha)

    def scale(self, agreement: tf.Tensor) -> tf.Tensor:
        return tf.constant(self.alpha, agreement.dtype) + agreement

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"alpha": self.alpha}
