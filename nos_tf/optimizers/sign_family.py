"""PowerSign and AddSign, the two optimizers found by the search, for any base and with decays of the sign's weight."""

from __future__ import annotations

import abc
import functools
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nos_tf.dsl import primitives
from nos_tf.dsl.state import Array
from nos_tf.optimizers.keras_compat import (
    dtype_name,
    is_distributed,
    kernels,
    precise_dtype,
    register_serializable,
    tf_variables,
    xp,
)
from nos_tf.optimizers.rule_optimizer import RuleOptimizer
from nos_tf.optimizers.validation import check_beta, check_total_steps

SignDecay = Callable[[Array, Array, Any], Array]  # From t, T and element-wise functions.

SIGN_DECAYS: dict[str, SignDecay] = {
    "ld": primitives.linear_decay,
    "cd": primitives.cosine_decay,
    "rd10": functools.partial(primitives.restart_decay, restarts=10),
    "rd20": functools.partial(primitives.restart_decay, restarts=20),
}


def power_sign(
    gradient: Array, average: Array, base: float = math.e, beta: float = 0.9, decay: Array | None = None
) -> tuple[Array, Array]:
    """One step of PowerSign as a pure function.

        m <- beta * m + (1 - beta) * g
        update = base**(f * sign(g) * sign(m)) * g

    Args:
      gradient: `g`.
      average: `m` before the step, initially zero; has the gradient's shape and dtype.
      base: Base of the power.
      beta: Decay rate of the average.
      decay: `f`, the weight of the signs at this step, a scalar of the gradient's dtype; None for 1.

    Returns:
      The update, before multiplication by the learning rate, and the new average.
    """
    average = _moving_average(gradient, average, beta)
    exponent = _like(gradient, math.log(base)) * _agreement(gradient, average, decay)
    return xp.exp(exponent) * gradient, average


def add_sign(
    gradient: Array, average: Array, alpha: float = 1.0, beta: float = 0.9, decay: Array | None = None
) -> tuple[Array, Array]:
    """One step of AddSign as a pure function.

        m <- beta * m + (1 - beta) * g
        update = (alpha + f * sign(g) * sign(m)) * g

    Args:
      gradient: `g`.
      average: `m` before the step, initially zero; has the gradient's shape and dtype.
      alpha: Constant that the signs are added to.
      beta: Decay rate of the average.
      decay: `f`, the weight of the signs at this step, a scalar of the gradient's dtype; None for 1.

    Returns:
      The update, before multiplication by the learning rate, and the new average.
    """
    average = _moving_average(gradient, average, beta)
    return (_like(gradient, alpha) + _agreement(gradient, average, decay)) * gradient, average


def _like(array: Array, value: float) -> Array:
    return xp.convert_to_tensor(value, dtype=array.dtype)


def _moving_average(gradient: Array, average: Array, beta: float) -> Array:
    rate = _like(gradient, beta)
    return rate * average + (1.0 - rate) * gradient


def _agreement(gradient: Array, average: Array, decay: Array | None) -> Array:
    agreement = xp.sign(gradient) * xp.sign(average)
    return agreement if decay is None else decay * agreement


_KERNEL_DTYPES = frozenset({"float16", "float32", "float64"})


class _SignOptimizer(RuleOptimizer):
    """Scales each weight's gradient by whether its sign agrees with that of its running average.

    The average `m <- beta m + (1 - beta) g` is updated before it is read and is not bias-corrected. The arithmetic uses
    the variables' own dtype, as in TensorFlow's `ResourceApplyPowerSign` and `ResourceApplyAddSign`, except that the
    decay is computed in at least float32. On TensorFlow, these kernels perform the step unless training is distributed.
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
    def rule(self, gradient: Array, average: Array, decay: Array | None) -> tuple[Array, Array]:
        """The update and the new average, as returned by `power_sign` and `add_sign`."""

    def update(
        self, gradient: Array, weights: Array, slots: Mapping[str, Array], step: Array, sizes: Mapping[int, int]
    ) -> tuple[Array, dict[str, Array]]:
        update, average = self.rule(gradient, slots["m"], self._decay(step, dtype_name(gradient)))
        return update, {"m": average}

    @abc.abstractmethod
    def kernel(self) -> tuple[Callable[..., None], dict[str, float]]:
        """TensorFlow's kernel for the same step, and its arguments other than the average's rate and the decay."""

    def update_variables(self, gradients: Sequence[Any], variables: Sequence[Any], rate: Array, step: Array) -> None:
        dtypes = [dtype_name(variable) for variable in variables]
        if kernels is None or is_distributed() or not _KERNEL_DTYPES.issuperset(dtypes):
            super().update_variables(gradients, variables, rate, step)
            return
        kernel, arguments = self.kernel()
        scalars = {dtype: self._scalars(dtype, arguments, rate, step) for dtype in set(dtypes)}
        averages = [self._slots["m"][self._index(variable)] for variable in variables]
        pairs = zip(tf_variables(variables), tf_variables(averages), strict=True)
        for (weights, average), gradient, dtype in zip(pairs, gradients, dtypes, strict=True):
            kernel(weights, average, grad=xp.cast(gradient, dtype), **scalars[dtype])

    def _scalars(self, dtype: str, arguments: dict[str, float], rate: Array, step: Array) -> dict[str, Array]:
        constants = {"beta": self.beta, "sign_decay": 1.0} | arguments
        scalars = {name: xp.convert_to_tensor(value, dtype=dtype) for name, value in constants.items()}
        if self.sign_decay is not None:
            scalars["sign_decay"] = self._decay(step, dtype)
        return scalars | {"rate": xp.cast(rate, dtype)}

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta": self.beta,
            "sign_decay": self.sign_decay,
            "total_steps": self.total_steps,
        }

    def _decay(self, step: Array, dtype: str) -> Array | None:
        if self.sign_decay is None:
            return None
        precise = precise_dtype(dtype)
        total = xp.convert_to_tensor(self.total_steps, dtype=precise)
        return xp.cast(SIGN_DECAYS[self.sign_decay](xp.cast(step, precise), total, xp), dtype)


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
      total_steps: Total number of training steps; required with a `sign_decay`.
      **kwargs: Keyword arguments common to all Keras optimizers.

    Raises:
      ValueError: A number is out of range, the decay is unknown, or `total_steps` is missing for a decay.

    References:
      Bello et al. (2017), section 5, and its 2018 arXiv extension.
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

    def rule(self, gradient: Array, average: Array, decay: Array | None) -> tuple[Array, Array]:
        return power_sign(gradient, average, self.base, self.beta, decay)

    def kernel(self) -> tuple[Callable[..., None], dict[str, float]]:
        return kernels.power_sign, {"logbase": math.log(self.base)}

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"base": self.base}


@register_serializable
class AddSign(_SignOptimizer):
    """`m <- beta m + (1 - beta) g;  w <- w - learning_rate * (alpha + f(t) sign(g) sign(m)) * g`.

    Example:
    >>> model.compile(nos_tf.optimizers.AddSign(0.1), "mse")

    Args:
      learning_rate: A number or a `LearningRateSchedule`.
      alpha: Constant that the sign is added to; the paper uses 1 and 2.
      beta: Decay rate of the running average, in [0, 1).
      sign_decay: Decay `f(t)` of the sign's weight, as in `PowerSign`.
      total_steps: Total number of training steps; required with a `sign_decay`.
      **kwargs: Keyword arguments common to all Keras optimizers.

    Raises:
      ValueError: A number is out of range, the decay is unknown, or `total_steps` is missing for a decay.

    References:
      Bello et al. (2017), section 5, and its 2018 arXiv extension.
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

    def rule(self, gradient: Array, average: Array, decay: Array | None) -> tuple[Array, Array]:
        return add_sign(gradient, average, self.alpha, self.beta, decay)

    def kernel(self) -> tuple[Callable[..., None], dict[str, float]]:
        return kernels.add_sign, {"alpha": self.alpha}

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"alpha": self.alpha}
