"""The vocabulary of the language: tables of running averages, operands, and unary and binary functions.

Every primitive is one entry; `entries.py` explains the fields. The parser, printer, search spaces, canonical keys,
screens, Keras optimizers and the in-graph interpreter read the tables when they are used, so that an entry added to a
table works everywhere, and the language's arithmetic is written nowhere else.

The arithmetic uses a `State`, whose `xp` holds TensorFlow's or NumPy's element-wise functions under NumPy's names. All
of it is element-wise over one weight tensor.

Source: Bello et al. (2017), section 4.1; the decays are those of its 2018 arXiv extension.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

from nos_tf.dsl.entries import NEGATION, POWER, PRODUCT, SUM, Average, Binary, Meaning, Operand, Unary
from nos_tf.dsl.state import Array, State

DELTA = 1e-8  # Keeps x / y finite at y = 0, as in the paper.
EPSILON = 1e-7  # Keras' default epsilon: the operands `adam` and `rmsprop` must equal Keras' own directions.
NOISE_VARIANCE = 0.01  # The paper's N(0, 0.01), read as a variance like its annealed noise.


def _hat(name: str) -> Callable[[State], Array]:
    return lambda s: s.average(name) / s.bias(name)


def _adam(s: State) -> Array:
    # Keras' form: epsilon is added to the uncorrected square root. Combining the scalars first costs nothing.
    correction = s.xp.sqrt(s.bias("v")) / s.bias("m")
    return correction * s.average("m") / (s.xp.sqrt(s.average("v")) + s.constant(EPSILON))


def _rmsprop(s: State) -> Array:
    # Keras' form: epsilon is added under the square root, and the average is not corrected.
    return s.g / s.xp.sqrt(s.average("v") + s.constant(EPSILON))


def _nesterov(s: State) -> Array:
    # Keras' form, whose momentum sums gradients: with sum = m / (1 - beta), the step is g + beta * sum.
    beta = AVERAGES["m"].beta
    return s.g + s.constant(beta / (1.0 - beta)) * s.average("m")


def _lion(s: State) -> Array:
    # Lion reads its average before this step's gradient enters it, sign(b1 * old + (1 - b1) * g), but a State holds it
    # afterwards: new = b2 * old + (1 - b2) * g. Solving for the old one and dividing by the positive b1 / b2 gives:
    beta_1, beta_2 = AVERAGES["m"].beta, AVERAGES["m_slow"].beta
    return s.xp.sign(s.average("m_slow") + s.constant((beta_2 - beta_1) / beta_1) * s.g)


def _cosine(angle: Array, xp: Any) -> Array:
    return 0.5 * (1.0 + xp.cos(math.pi * angle))


def _progress(t: Array, total: Array, xp: Any) -> Array:
    # Training beyond T keeps the last value, as in the authors' TensorFlow code.
    return xp.minimum(t / total, 1.0)


def linear_decay(t: Array, total: Array, xp: Any) -> Array:
    """ld = 1 - t/T after `t` of `T` training steps; `xp` provides element-wise functions."""
    return 1.0 - _progress(t, total, xp)


def cosine_decay(t: Array, total: Array, xp: Any, cycles: float = 0.5) -> Array:
    """cd_n = 0.5 (1 + cos(2 pi n t/T))."""
    return _cosine(2.0 * cycles * _progress(t, total, xp), xp)


def restart_decay(t: Array, total: Array, xp: Any, restarts: int = 10) -> Array:
    """rd_n = 0.5 (1 + cos(pi ((t n) mod T)/T))."""
    return _cosine(((t * float(restarts)) % total) / total, xp)


def annealed_deviation(t: Array) -> Array:
    """Standard deviation of the annealed noise, whose variance is 1/(1+t)^0.55."""
    return (1.0 + t) ** -0.275


def _constant(value: int) -> Operand:
    return Operand(f"{value}", f"{value}", lambda s: s.constant(value), meaning=Meaning("", float(value)))


def _power_of_gradient(exponent: int) -> Operand:
    meaning = Meaning("g", sign=exponent % 2, power=float(exponent))
    return Operand(
        f"g**{exponent}",
        f"g^{exponent}",
        lambda s: functools.reduce(operator.mul, [s.g] * exponent),
        meaning=meaning,
        binding=POWER,
    )


def _scaled_weight(exponent: int) -> Operand:
    name, scale = f"1e{exponent}*w", float(f"1e{exponent}")
    meaning = Meaning("w", scale)
    return Operand(name, f"10^{{{exponent}}} w", lambda s: s.constant(scale) * s.w, meaning=meaning, binding=PRODUCT)


def _sign_of(symbol: str, compute: Callable[[State], Array], slots: frozenset[str] = frozenset()) -> Operand:
    name, latex = f"sign({symbol})", rf"\operatorname{{sign}}({symbol})"
    return Operand(name, latex, lambda s: s.xp.sign(compute(s)), slots, meaning=Meaning(symbol, power=0.0))


def _decay(name: str, latex: str, compute: Callable[[Array, Array, Any], Array]) -> Operand:
    return Operand(
        name,
        latex,
        lambda s: compute(s.step, s.total_steps, s.xp),
        needs_total_steps=True,
        meaning=Meaning(name, sign=0, low=0.0, high=1.0),
        extra=True,
    )


def noise(name: str, latex: str, deviation: Callable[[State], Array], stream: int, extra: bool = True) -> Operand:
    """A normal noise operand; giving it its own stream makes it independent of all other noise."""
    return Operand(name, latex, lambda s: deviation(s) * s.normal(stream), stream=stream, extra=extra)


def _clip(limit: str) -> Unary:
    number = float(limit)
    return Unary(
        f"clip_{limit}",
        f"clip(%s, {limit})",
        rf"\operatorname{{clip}}\left(%s, 10^{{{limit.removeprefix('1e')}}}\right)",
        lambda s, x: s.xp.minimum(s.xp.maximum(x, s.constant(-number)), s.constant(number)),
        function="clip",
        parameter=number,
    )


def _drop(rate: str) -> Unary:
    number = float(rate)
    return Unary(
        f"drop_{rate}",
        f"drop(%s, {rate})",
        rf"\operatorname{{drop}}\left(%s, {rate}\right)",
        # Not a product with a mask, so that a dropped infinity is 0 instead of NaN.
        lambda s, x: s.xp.where(s.uniform() < s.constant(number), s.constant(0.0), x),
        stochastic=True,
        function="drop",
        parameter=number,
    )


_M, _V, _GAMMA, _SLOW = frozenset({"m"}), frozenset({"v"}), frozenset({"gamma"}), frozenset({"m_slow"})

AVERAGES: dict[str, Average] = {
    entry.name: entry
    for entry in (
        Average("m", lambda g: g, beta=0.9),
        Average("v", lambda g: g * g, beta=0.999, even=True, low=0.0),
        Average("gamma", lambda g: g * g * g, beta=0.999),
        Average("m_slow", lambda g: g, beta=0.99, extra=True),
    )
}

OPERANDS: dict[str, Operand] = {
    entry.name: entry
    for entry in (
        Operand("g", "g", lambda s: s.g),
        _power_of_gradient(2),
        _power_of_gradient(3),
        Operand("m", r"\hat{m}", _hat("m"), _M),
        Operand("v", r"\hat{v}", _hat("v"), _V, meaning=Meaning("v", sign=0, low=0.0)),
        Operand("gamma", r"\hat{\gamma}", _hat("gamma"), _GAMMA),
        _sign_of("g", lambda s: s.g),
        _sign_of("m", lambda s: s.average("m"), _M),
        _constant(1),
        _constant(2),
        noise("noise", r"\epsilon", lambda s: s.constant(math.sqrt(NOISE_VARIANCE)), stream=0, extra=False),
        _scaled_weight(-4),
        _scaled_weight(-3),
        _scaled_weight(-2),
        _scaled_weight(-1),
        Operand("adam", r"\mathrm{Adam}", _adam, _M | _V),
        Operand("rmsprop", r"\mathrm{RMSProp}", _rmsprop, _V),
        _decay("ld", r"\mathrm{ld}", linear_decay),
        _decay("cd", r"\mathrm{cd}", cosine_decay),
        _decay("rd", r"\mathrm{rd}_{10}", restart_decay),
        noise("annealed_noise", r"\epsilon_t", lambda s: annealed_deviation(s.step), stream=1),
        # Two optimizers that every search is compared with and that the paper's vocabulary cannot express.
        Operand("nesterov", r"\mathrm{Nesterov}", _nesterov, _M, extra=True),
        Operand("lion", r"\mathrm{Lion}", _lion, _SLOW, meaning=Meaning("lion", power=0.0), extra=True),
    )
}

UNARY: dict[str, Unary] = {
    entry.name: entry
    for entry in (
        Unary("identity", "identity(%s)", "%s", lambda s, x: x),
        Unary("neg", "-%s", "-%s", lambda s, x: -x, binding=NEGATION),
        Unary("exp", "exp(%s)", "e^{%s}", lambda s, x: s.xp.exp(x)),
        Unary("log", "log(%s)", r"\log\left|%s\right|", lambda s, x: s.xp.log(s.xp.abs(x))),
        Unary("sqrt", "sqrt(%s)", r"\sqrt{\left|%s\right|}", lambda s, x: s.xp.sqrt(s.xp.abs(x))),
        _clip("1e-5"),
        _clip("1e-4"),
        _clip("1e-3"),
        _drop("0.1"),
        _drop("0.3"),
        _drop("0.5"),
        Unary("sign", "sign(%s)", r"\operatorname{sign}\left(%s\right)", lambda s, x: s.xp.sign(x)),
    )
}

BINARY: dict[str, Binary] = {
    entry.name: entry
    for entry in (
        Binary("+", "%s + %s", "%s + %s", lambda s, x, y: x + y, SUM, SUM, commutes=True),
        Binary("-", "%s - %s", "%s - %s", lambda s, x, y: x - y, SUM, SUM),
        Binary("*", "%s * %s", r"%s \cdot %s", lambda s, x, y: x * y, PRODUCT, PRODUCT, commutes=True),
        Binary("/", "%s / %s", r"\frac{%s}{%s + \delta}", lambda s, x, y: x / (y + s.constant(DELTA)), PRODUCT),
        # |x|^y, as log and sqrt take |x|: the paper does not say what a negative base gives.
        Binary("**", "%s ** %s", r"\left|%s\right|^{%s}", lambda s, x, y: s.xp.abs(x) ** y, POWER),
        Binary(
            "left",
            "left(%s, %s)",
            r"\operatorname{left}\left(%s, %s\right)",
            lambda s, x, y: x,
            reads_second=False,
        ),
    )
}

MAX_GROUPS = 4
GROUP_NAMES: tuple[str, ...] = ("b1", "b2", "b3")  # Values of earlier groups, as operands of later ones.


def noise_streams() -> tuple[int, ...]:
    """Numbers of the noise streams that operands read."""
    return tuple(sorted({entry.stream for entry in OPERANDS.values() if entry.stream is not None}))
