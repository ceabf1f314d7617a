"""The entries of the tables in `primitives.py`.

Everything that other parts of the project need to know about a primitive is a field here, so that adding a primitive
means adding one entry.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from nos_tf.dsl.state import Array, State

NOISE_STREAMS = 8  # Random streams per variable for noise operands.

# How tightly an expression binds, in the order of Python's operators.
SUM, PRODUCT, NEGATION, POWER, ATOM = 1, 2, 3, 4, 5


@dataclasses.dataclass(frozen=True)
class Average:
    """An exponential moving average that an optimizer keeps for every weight, updated before it is read.

    Attributes:
      name: Name of the slot.
      compute: Function of the gradient whose value is averaged.
      beta: Default decay rate of the average.
      even: Whether flipping the sign of the gradient leaves the average unchanged instead of flipping its sign.
      low: Lower bound of the average.
      extra: Whether it is an addition to the paper's averages.
    """

    name: str
    compute: Callable[[Array], Array]
    beta: float
    even: bool = False
    low: float = -math.inf
    extra: bool = False


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What canonical keys know about an operand: it equals `coefficient * sign(symbol)**sign * |symbol|**power`.

    Attributes:
      symbol: Name of an operand or of an attribute of `State`; empty for a constant.
      coefficient: Constant factor.
      sign: Exponent of the symbol's sign, 0 or 1.
      power: Exponent of the symbol's magnitude.
      low: Lower bound of the symbol.
      high: Upper bound of the symbol.
    """

    symbol: str
    coefficient: float = 1.0
    sign: int = 1
    power: float = 1.0
    low: float = -math.inf
    high: float = math.inf


@dataclasses.dataclass(frozen=True)
class Operand:
    """A value that a rule can read.

    Attributes:
      name: Token, which is also its text.
      latex: LaTeX formula.
      compute: Function that computes the value from a `State`.
      slots: Running averages that it reads.
      needs_total_steps: Whether it depends on the total number of training steps.
      meaning: Its meaning in the algebra of canonical keys; None for a separate, unbounded symbol.
      binding: How tightly its text binds.
      stream: Number of the noise stream that it reads, below `NOISE_STREAMS`, or None.
      extra: Whether it is not in the paper's first version; default search spaces leave it out.
    """

    name: str
    latex: str
    compute: Callable[[State], Array]
    slots: frozenset[str] = frozenset()
    needs_total_steps: bool = False
    meaning: Meaning | None = None
    binding: int = ATOM
    stream: int | None = None
    extra: bool = False

    def __post_init__(self) -> None:
        if self.stream is not None and self.stream not in range(NOISE_STREAMS):
            raise ValueError(f"A noise stream must be 0 to {NOISE_STREAMS - 1}. Received: stream={self.stream}")


@dataclasses.dataclass(frozen=True)
class Unary:
    """A function of one value.

    Attributes:
      name: Token.
      text: Its text, with `%s` for the argument.
      latex: LaTeX formula, also with `%s`.
      compute: Function that computes the value from a `State` and the argument.
      stochastic: Whether each application draws its own random numbers.
      function: Name of the function in rule texts; defaults to the token.
      parameter: Number that follows the argument, if the function takes one.
      binding: How tightly its text and formula bind; less than `ATOM` for a prefix such as the minus sign.
      extra: Whether it is not in the paper; default search spaces leave it out.
    """

    name: str
    text: str
    latex: str
    compute: Callable[[State, Array], Array]
    stochastic: bool = False
    function: str = ""
    parameter: float | None = None
    binding: int = ATOM
    extra: bool = False

    def __post_init__(self) -> None:
        if not self.function:
            object.__setattr__(self, "function", self.name)


@dataclasses.dataclass(frozen=True)
class Binary:
    """A function of two values.

    Attributes:
      name: Token.
      text: Its text, with `%s` for each argument.
      latex: LaTeX formula, also with `%s`.
      compute: Function that computes the value from the `State` and both arguments.
      binding: How tightly its text binds; less than `ATOM` for an operator, whose symbol is the token.
      latex_binding: How tightly its formula binds; `ATOM` if the formula itself brackets the arguments.
      reads_second: Whether the value depends on the second argument.
      commutes: Whether the arguments can be swapped.
      extra: Whether it is not in the paper; default search spaces leave it out.
    """

    name: str
    text: str
    latex: str
    compute: Callable[[State, Array, Array], Array]
    binding: int = ATOM
    latex_binding: int = ATOM
    reads_second: bool = True
    commutes: bool = False
    extra: bool = False


def base_names(table: Mapping[str, Operand | Unary | Binary]) -> tuple[str, ...]:
    """Names of the entries that are in the paper, in order."""
    return tuple(name for name, entry in table.items() if not entry.extra)
