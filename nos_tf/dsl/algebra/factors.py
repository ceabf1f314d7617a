"""Products of powers of basic quantities.

A factor is `sign(a)^s |a|^e` of an atom `a`, so `g * g`, `g**2` and `|g|^2` are one monomial, as are `g` and
`|g| * sign(g)`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from nos_tf.dsl.algebra import tolerances


class UnsafeError(Exception):
    """An identity does not hold at every point or loses digits; the caller keeps the expression as it is."""


@dataclasses.dataclass(frozen=True, eq=False)
class Atom:
    """A quantity that the algebra treats as a unit.

    Attributes:
      key: Text that distinguishes it from every other atom.
      kind: `operand mask exp log reciprocal power clip sum`, or `opaque` for an application of a primitive.
      arguments: Polynomials, monomials and numbers that it is a function of.
      low: Lower bound of its value.
      high: Upper bound of its value.
      may_vanish: Whether it can be zero, including by underflow.
      singular: Whether it can be infinite or NaN.
    """

    key: str
    kind: str
    arguments: tuple[Any, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    may_vanish: bool = True
    singular: bool = False

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    @property
    def atoms(self) -> Iterator[Atom]:
        """The atom itself and all atoms that it is a function of."""
        yield self
        for argument in self.arguments:
            yield from getattr(argument, "atoms", ())


class Factor(NamedTuple):
    """`sign(atom)^sign * |atom|^power`; with `sign` 2 and `power` 0, it is 1 where the atom is nonzero and 0 elsewhere.

    `undefined` makes it NaN where the atom is zero, as for `|a|^2 * |a|^-1`.
    """

    atom: Atom
    sign: int
    power: float
    undefined: bool = False

    @property
    def atoms(self) -> Iterator[Atom]:
        """All atoms in it."""
        return self.atom.atoms

    @property
    def singular(self) -> bool:
        return self.atom.singular or self.undefined or (self.power < 0 and self.atom.may_vanish)


class Monomial:
    """A product of factors of different atoms, in the order of their keys."""

    __slots__ = ("factors", "key", "singular")

    def __init__(self, factors: Iterable[Factor]):
        self.factors = tuple(sorted(factors, key=lambda factor: factor.atom.key))
        self.key = "*".join([_factor_text(factor) for factor in self.factors])
        self.singular = any(factor.singular for factor in self.factors)

    @property
    def atoms(self) -> Iterator[Atom]:
        """All atoms in it."""
        for factor in self.factors:
            yield from factor.atoms

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound of the value."""
        if self.singular:
            return -math.inf, math.inf
        low = high = 1.0
        for factor in self.factors:
            corners = [_bound(a, b) for a in (low, high) for b in _factor_bounds(factor)]
            low, high = min(corners), max(corners)
        return low, high


ONE = Monomial(())


def normal_factor(atom: Atom, sign: int, power: float, undefined: bool = False) -> Factor | None:
    """The unique form of a factor, or None if it equals 1."""
    undefined = undefined and atom.may_vanish
    if atom.low >= 0.0 and sign == 1:
        sign = 2
    if sign == 2 and (power != 0.0 or undefined or not atom.may_vanish):
        sign = 0
    if sign == 0 and power == 0.0 and not undefined:
        return None
    return Factor(atom, sign, power, undefined)


def multiply_in(merged: dict[str, Factor], factor: Factor) -> None:
    """Multiplies a product, whose factors are stored by the keys of their atoms, by another factor."""
    key = factor.atom.key
    other = merged.get(key)
    if other is None:
        merged[key] = factor
        return
    undefined = factor.undefined or other.undefined or (factor.power < 0) != (other.power < 0)
    if undefined and factor.atom.singular:
        raise UnsafeError
    sign = factor.sign + other.sign
    if factor.sign and other.sign:
        sign = 1 if sign % 2 else 2
    power = factor.power + other.power
    if factor.power and other.power:
        power = rounded(add_numbers(factor.power, other.power, False))
    product = normal_factor(factor.atom, sign, power, undefined)
    if product is None:
        del merged[key]
    else:
        merged[key] = product


@functools.lru_cache(1 << 12)
def number_text(value: float) -> str:
    """A number with as many digits as keys compare."""
    return f"{value:.{tolerances.DIGITS}g}"


def rounded(value: float) -> float:
    """A number without the digits that may only be rounding errors."""
    return float(number_text(value))


def add_numbers(left: float, right: float, singular: bool) -> float:
    """Sum of two coefficients; raises `UnsafeError` if it loses digits that the text would show."""
    total, size = left + right, max(abs(left), abs(right))
    if singular and left * right < 0.0:
        raise UnsafeError
    if abs(total) <= tolerances.CANCELED_TO_ZERO * size:
        return 0.0
    smaller = min(abs(left), abs(right))
    if smaller < tolerances.FAINT * size or abs(total) < tolerances.CANCELED_DIGITS * size:
        raise UnsafeError
    return total


def _factor_text(factor: Factor) -> str:
    return f"{factor.atom.key}^{factor.sign},{number_text(factor.power)}{'?' if factor.undefined else ''}"


def _bound(left: float, right: float) -> float:
    return left * right if left and right else 0.0  # Zero times something finite, however large.


def _factor_bounds(factor: Factor) -> tuple[float, float]:
    atom = factor.atom
    if factor.power == 0.0:
        return (-1.0, 1.0) if factor.sign == 1 else (0.0, 1.0)
    smallest = max(atom.low, -atom.high, 0.0)
    largest = max(abs(atom.low), abs(atom.high))
    with_power = sorted((_power(smallest, factor.power), _power(largest, factor.power)))
    return (-with_power[1], with_power[1]) if factor.sign == 1 else (with_power[0], with_power[1])


def _power(base: float, exponent: float) -> float:
    try:
        return base**exponent
    except (OverflowError, ZeroDivisionError):
        return math.inf
