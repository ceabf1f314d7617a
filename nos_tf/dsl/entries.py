"""What an entry of the tables in `primitives.py` says of a primitive.

Everything that another part of the project needs to know of a primitive is a field here, so that a new primitive is one
new entry.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from nos_tf.dsl.state import Array, State

NOISE_STREAMS = 8  # Random streams that a variable has for noise operands.

# How tightly an expression binds, in the order of Python's operators.
SUM, PRODUCT, NEGATION, POWER, ATOM = 1, 2, 3, 4, 5


@dataclasses.dataclass(frozen=True)
class Average:
    """An exponential moving average that an optimizer keeps for every weight, updated before it is read.

    Attributes:
      name: The slot's name.
      compute: What is averaged, from the gradient.
      beta: Default decay rate of the average.
      even: Whether a gradient of opposite sign leaves the average as it is, and does not change its sign.
      low: Lower bound of its value.
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
    """What canonical keys know of an operand: it is `coefficient * sign(symbol)**sign * |symbol|**power`.

    Attributes:
      symbol: An operand's name or an attribute of `State`; empty for a constant.
      coefficient: Factor of it.
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
      name: Token, and its text.
      latex: Its formula.
      compute: Value from a `State`.
      slots: Running averages that it reads.
      needs_total_steps: Whether it depends on the length of the training.
      meaning: What it is to the algebra of canonical keys; None for a symbol of its own without bounds.
      binding: How tightly its text binds.
      stream: Number of the noise stream that it reads, below `NOISE_STREAMS`, or None.
      extra: Whether it is an addition to the paper's first version, which default search spaces leave out.
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
      latex: Its formula, likewise.
      compute: Value from a `State` and the argument.
      stochastic: Whether every application draws random numbers of its own.
      function: Name by which a text calls it; by default the token.
      parameter: The number after the argument, where the function has one.
      binding: How tightly its text and formula bind; less than `ATOM` for a prefix such as the minus sign.
      extra: Whether it is an addition to the paper's functions, which default search spaces leave out.
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
      latex: Its formula, likewise.
      compute: Value from the `State` and both arguments.
      binding: How tightly its text binds; less than `ATOM` for an operator, whose symbol is the token.
      latex_binding: How tightly its formula binds; `ATOM` if the formula brackets the arguments by itself.
      reads_second: Whether the value depends on the second argument.
      commutes: Whether the order of the arguments does not matter.
      extra: Whether it is an addition to the paper's functions, which default search spaces leave out.
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
    """Names of the entries that are the paper's, in their order."""
    return tuple(name for name, entry in table.items() if not entry.extra)
