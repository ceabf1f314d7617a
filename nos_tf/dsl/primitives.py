"""The words of the language: three ordered tables of operands, unary and binary functions.

Every primitive is one entry that holds its token, its LaTeX, its arithmetic and, for an operand, the running averages
that it reads. The Keras optimizers, the in-graph interpreter and the numeric fingerprints all evaluate these entries,
so no arithmetic of the language is written anywhere else.

Arithmetic is written against a `State`, whose `xp` holds TensorFlow's or NumPy's element-wise functions under NumPy's
names. All of it is element-wise over one weight tensor.

Source: Bello et al. (2017), section 4.1; the decays are those of its 2018 arXiv extension.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Protocol

Array = Any  # A tensor, a NumPy array or a scalar of either.

DELTA = 1e-8  # Keeps x / y finite at y = 0, as in the paper.
EPSILON = 1e-7  # Keras' default epsilon: the operands `adam` and `rmsprop` must equal Keras' own directions.
NOISE_VARIANCE = 0.01  # The paper's N(0, 0.01), read as a variance, which is how it writes its annealed noise.


class State(Protocol):
    """What an operand may read: one weight tensor at one step.

    Attributes:
      xp: Element-wise functions: `abs cos exp log maximum minimum sign sqrt where`.
      g: Gradient, shaped like the weights.
      w: Weights.
      step: Steps completed before this one, `t`, as in the authors' TensorFlow code; a scalar of the gradient's dtype.
      total_steps: Length of the training, `T`; a scalar of the gradient's dtype.
    """

    @property
    def xp(self) -> Any: ...

    @property
    def g(self) -> Array: ...

    @property
    def w(self) -> Array: ...

    @property
    def step(self) -> Array: ...

    @property
    def total_steps(self) -> Array: ...

    def constant(self, value: float) -> Array:
        """A scalar of the gradient's dtype."""

    def average(self, name: str) -> Array:
        """Running average `m`, `v` or `gamma`, this step's gradient included, without bias correction."""

    def bias(self, name: str) -> Array:
        """The correction `1 - beta**(t+1)` that divides the average of that name."""

    def normal(self, stream: int) -> Array:
        """Standard normal draws shaped like the gradient; one stream has one value a step, wherever it is read."""

    def uniform(self) -> Array:
        """Draws from [0, 1) shaped like the gradient, of this site's own."""

    def at_site(self, site: int) -> State:
        """The same state with the random draws of another place in the program."""


@dataclasses.dataclass(frozen=True)
class Average:
    """An exponential moving average that an optimizer keeps for every weight, updated before it is read.

    Attributes:
      name: The slot's name.
      compute: What is averaged, from the gradient.
      beta: Default decay rate of the average.
    """

    name: str
    compute: Callable[[Array], Array]
    beta: float


@dataclasses.dataclass(frozen=True)
class Operand:
    """A value that a rule can read.

    Attributes:
      name: Token, and its text.
      latex: Its formula.
      compute: Value from a `State`.
      slots: Running averages that it reads.
      needs_total_steps: Whether it depends on the length of the training.
    """

    name: str
    latex: str
    compute: Callable[[State], Array]
    slots: frozenset[str] = frozenset()
    needs_total_steps: bool = False


@dataclasses.dataclass(frozen=True)
class Unary:
    """A function of one value.

    Attributes:
      name: Token.
      text: Its text, with `%s` for the argument.
      latex: Its formula, likewise.
      compute: Value from a `State` and the argument.
      stochastic: Whether every application draws random numbers of its own.
    """

    name: str
    text: str
    latex: str
    compute: Callable[[State, Array], Array]
    stochastic: bool = False


@dataclasses.dataclass(frozen=True)
class Binary:
    """A function of two values.

    Attributes:
      name: Token.
      text: Its text, with `%s` for each argument.
      latex: Its formula, likewise.
      compute: Value from the `State` and both arguments.
    """

    name: str
    text: str
    latex: str
    compute: Callable[[State, Array, Array], Array]


def _hat(name: str) -> Callable[[State], Array]:
    return lambda s: s.average(name) / s.bias(name)


def _scaled_weight(scale: float) -> Callable[[State], Array]:
    return lambda s: s.constant(scale) * s.w


def _constant(value: float) -> Callable[[State], Array]:
    return lambda s: s.constant(value)


def _adam(s: State) -> Array:
    # Keras' form: epsilon is added to the uncorrected square root. The scalars come first: they cost nothing.
    correction = s.xp.sqrt(s.bias("v")) / s.bias("m")
    return correction * s.average("m") / (s.xp.sqrt(s.average("v")) + s.constant(EPSILON))


def _rmsprop(s: State) -> Array:
    # Keras' form: epsilon is added under the square root, and the average is not corrected.
    return s.g / s.xp.sqrt(s.average("v") + s.constant(EPSILON))


def _cosine(s: State, angle: Array) -> Array:
    return s.constant(0.5) * (s.constant(1.0) + s.xp.cos(s.constant(math.pi) * angle))


def _progress(s: State) -> Array:
    # A training that runs on past T keeps the last value, as the authors' TensorFlow code does.
    return s.xp.minimum(s.step / s.total_steps, s.constant(1.0))


def linear_decay(s: State) -> Array:
    """ld = 1 - t/T."""
    return s.constant(1.0) - _progress(s)


def cosine_decay(s: State, cycles: float = 0.5) -> Array:
    """cd_n = 0.5 (1 + cos(2 pi n t/T))."""
    return _cosine(s, s.constant(2.0 * cycles) * _progress(s))


def restart_decay(s: State, restarts: int = 10) -> Array:
    """rd_n = 0.5 (1 + cos(pi ((t n) mod T)/T))."""
    return _cosine(s, ((s.step * s.constant(restarts)) % s.total_steps) / s.total_steps)


def annealed_deviation(s: State) -> Array:
    """Standard deviation of the annealed noise, whose variance is 1/(1+t)^0.55."""
    return (s.constant(1.0) + s.step) ** s.constant(-0.275)


_M, _V, _GAMMA = frozenset({"m"}), frozenset({"v"}), frozenset({"gamma"})

AVERAGES: dict[str, Average] = {
    "m": Average("m", lambda g: g, beta=0.9),
    "v": Average("v", lambda g: g * g, beta=0.999),
    "gamma": Average("gamma", lambda g: g * g * g, beta=0.999),
}

BASE_OPERANDS: tuple[Operand, ...] = (
    Operand("g", "g", lambda s: s.g),
    Operand("g**2", "g^2", lambda s: s.g * s.g),
    Operand("g**3", "g^3", lambda s: s.g * s.g * s.g),
    Operand("m", r"\hat{m}", _hat("m"), _M),
    Operand("v", r"\hat{v}", _hat("v"), _V),
    Operand("gamma", r"\hat{\gamma}", _hat("gamma"), _GAMMA),
    Operand("sign(g)", r"\operatorname{sign}(g)", lambda s: s.xp.sign(s.g)),
    Operand("sign(m)", r"\operatorname{sign}(m)", lambda s: s.xp.sign(s.average("m")), _M),
    Operand("1", "1", _constant(1.0)),
    Operand("2", "2", _constant(2.0)),
    Operand("noise", r"\epsilon", lambda s: s.constant(math.sqrt(NOISE_VARIANCE)) * s.normal(0)),
    Operand("1e-4*w", "10^{-4} w", _scaled_weight(1e-4)),
    Operand("1e-3*w", "10^{-3} w", _scaled_weight(1e-3)),
    Operand("1e-2*w", "10^{-2} w", _scaled_weight(1e-2)),
    Operand("1e-1*w", "10^{-1} w", _scaled_weight(1e-1)),
    Operand("adam", r"\mathrm{Adam}", _adam, _M | _V),
    Operand("rmsprop", r"\mathrm{RMSProp}", _rmsprop, _V),
)

DECAY_OPERANDS: tuple[Operand, ...] = (
    Operand("ld", r"\mathrm{ld}", linear_decay, needs_total_steps=True),
    Operand("cd", r"\mathrm{cd}", cosine_decay, needs_total_steps=True),
    Operand("rd", r"\mathrm{rd}_{10}", restart_decay, needs_total_steps=True),
    Operand("annealed_noise", r"\epsilon_t", lambda s: annealed_deviation(s) * s.normal(1)),
)


def _clip(limit: float) -> Callable[[State, Array], Array]:
    return lambda s, x: s.xp.minimum(s.xp.maximum(x, s.constant(-limit)), s.constant(limit))


def _drop(rate: float) -> Callable[[State, Array], Array]:
    # A choice, not a product with a mask: a dropped infinity is 0 and not NaN.
    return lambda s, x: s.xp.where(s.uniform() < s.constant(rate), s.constant(0.0), x)


UNARY_FUNCTIONS: tuple[Unary, ...] = (
    Unary("identity", "identity(%s)", "%s", lambda s, x: x),
    Unary("neg", "-%s", "-%s", lambda s, x: -x),
    Unary("exp", "exp(%s)", "e^{%s}", lambda s, x: s.xp.exp(x)),
    Unary("log", "log(%s)", r"\log\left|%s\right|", lambda s, x: s.xp.log(s.xp.abs(x))),
    Unary("sqrt", "sqrt(%s)", r"\sqrt{\left|%s\right|}", lambda s, x: s.xp.sqrt(s.xp.abs(x))),
    Unary("clip_1e-5", "clip(%s, 1e-5)", r"\operatorname{clip}\left(%s, 10^{-5}\right)", _clip(1e-5)),
    Unary("clip_1e-4", "clip(%s, 1e-4)", r"\operatorname{clip}\left(%s, 10^{-4}\right)", _clip(1e-4)),
    Unary("clip_1e-3", "clip(%s, 1e-3)", r"\operatorname{clip}\left(%s, 10^{-3}\right)", _clip(1e-3)),
    Unary("drop_0.1", "drop(%s, 0.1)", r"\operatorname{drop}\left(%s, 0.1\right)", _drop(0.1), stochastic=True),
    Unary("drop_0.3", "drop(%s, 0.3)", r"\operatorname{drop}\left(%s, 0.3\right)", _drop(0.3), stochastic=True),
    Unary("drop_0.5", "drop(%s, 0.5)", r"\operatorname{drop}\left(%s, 0.5\right)", _drop(0.5), stochastic=True),
    Unary("sign", "sign(%s)", r"\operatorname{sign}\left(%s\right)", lambda s, x: s.xp.sign(x)),
)

BINARY_FUNCTIONS: tuple[Binary, ...] = (
    Binary("+", "%s + %s", "%s + %s", lambda s, x, y: x + y),
    Binary("-", "%s - %s", "%s - %s", lambda s, x, y: x - y),
    Binary("*", "%s * %s", r"%s \cdot %s", lambda s, x, y: x * y),
    Binary("/", "%s / %s", r"\frac{%s}{%s + \delta}", lambda s, x, y: x / (y + s.constant(DELTA))),
    # |x|^y, as log and sqrt take |x|: the paper does not say what a negative base gives.
    Binary("**", "%s ** %s", r"\left|%s\right|^{%s}", lambda s, x, y: s.xp.abs(x) ** y),
    Binary("left", "left(%s, %s)", r"\operatorname{left}\left(%s, %s\right)", lambda s, x, y: x),
)

OPERANDS: dict[str, Operand] = {entry.name: entry for entry in BASE_OPERANDS + DECAY_OPERANDS}
UNARY: dict[str, Unary] = {entry.name: entry for entry in UNARY_FUNCTIONS}
BINARY: dict[str, Binary] = {entry.name: entry for entry in BINARY_FUNCTIONS}

MAX_GROUPS = 4
GROUP_NAMES: tuple[str, ...] = ("b1", "b2", "b3")  # Values of earlier groups, readable as operands of later ones.
