"""Exact algebra of update rules: sums of coefficients times products of factors.

An identity is applied only if it holds at every real point, including exact zeros, in floating-point arithmetic:
`log(0)` is minus infinity, and `0 * inf` and `inf - inf` are NaN. Expressions that differ only by rounding or overflow
count as equal. The only points excluded are the poles of `x / (y + delta)` at `y = -delta`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence

from nos_tf.dsl.algebra import tolerances
from nos_tf.dsl.algebra.factors import (
    ONE,
    Atom,
    Factor,
    Monomial,
    UnsafeError,
    add_numbers,
    multiply_in,
    normal_factor,
    number_text,
    rounded,
)

_MAX_TERMS = 64  # Larger products stay factored.


class Polynomial:
    """A sum of monomials times nonzero coefficients, in the order of the monomials' keys."""

    __slots__ = ("key", "singular", "terms")

    def __init__(self, terms: Iterable[tuple[Monomial, float]]):
        self.terms = tuple(sorted(terms, key=lambda term: term[0].key))
        self.key = " + ".join([f"{number_text(coefficient)} {monomial.key}" for monomial, coefficient in self.terms])
        self.singular = any(monomial.singular for monomial, _ in self.terms)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.key == other.key

    @property
    def atoms(self) -> Iterator[Atom]:
        """All atoms in it."""
        for monomial, _ in self.terms:
            yield from monomial.atoms

    @property
    def constant(self) -> float | None:
        """The value of the polynomial if it has no atoms, else None."""
        if not self.terms:
            return 0.0
        return self.terms[0][1] if len(self.terms) == 1 and not self.terms[0][0].factors else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound of the value."""
        if self.singular:
            return -math.inf, math.inf
        pairs = [sorted((c * low, c * high)) for (low, high), c in ((m.bounds, c) for m, c in self.terms)]
        return _sum([low for low, _ in pairs]), _sum([high for _, high in pairs])


ZERO = Polynomial(())


def masks(polynomial: Polynomial) -> frozenset[tuple[str, int]]:
    """Unary function and label of every random mask that a polynomial depends on."""
    return frozenset(atom.arguments for atom in polynomial.atoms if atom.kind == "mask")


def constant(value: float) -> Polynomial:
    return Polynomial([(ONE, value)]) if value else ZERO


def scale(polynomial: Polynomial, by: float) -> Polynomial:
    """Product with a nonzero number."""
    if by == 1.0:
        return polynomial
    return Polynomial([(monomial, _checked(c * by)) for monomial, c in polynomial.terms])


def add(left: Polynomial, right: Polynomial) -> Polynomial:
    """Sum; like terms are combined."""
    terms = {monomial.key: (monomial, c) for monomial, c in left.terms}
    for monomial, c in right.terms:
        if monomial.key not in terms:
            terms[monomial.key] = monomial, c
            continue
        total = add_numbers(terms[monomial.key][1], c, monomial.singular)
        if total:
            terms[monomial.key] = monomial, total
        else:
            del terms[monomial.key]
    return Polynomial(terms.values())


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """Product, expanded unless an infinite factor forbids it: `inf * (2 - 1)` is not `inf * 2 - inf * 1`."""
    if not (left.terms and right.terms):
        if left.singular or right.singular:
            raise UnsafeError
        return ZERO
    for number, other in ((left.constant, right), (right.constant, left)):
        if number is not None:
            return scale(other, number)
    count = len(left.terms) * len(right.terms)
    if count > _MAX_TERMS or (count > 1 and (left.singular or right.singular)):
        left_coefficient, left_factors = factored(left)
        right_coefficient, right_factors = factored(right)
        return build(left_coefficient * right_coefficient, left_factors + right_factors)
    result = ZERO
    for left_monomial, left_coefficient in left.terms:
        for right_monomial, right_coefficient in right.terms:
            product = build(left_coefficient * right_coefficient, left_monomial.factors + right_monomial.factors)
            result = add(result, product) if result.terms else product
    return result


def build(coefficient: float, factors: Sequence[Factor]) -> Polynomial:
    """A coefficient times factors, several of which can have the same atom."""
    merged: dict[str, Factor] = {}
    exponents: list[Polynomial] = []
    for factor in factors:
        if factor.atom.kind == "exp" and factor.power:
            exponents.append(factor.atom.arguments[0])
        else:
            multiply_in(merged, factor)
    if exponents:
        constant_factor, exponential_factors = exponential(functools.reduce(add, exponents))
        coefficient *= constant_factor
        for factor in exponential_factors:
            multiply_in(merged, factor)
    monomial = Monomial(merged.values())
    if not monomial.singular:
        whole = [(factor, _whole_powers(factor)) for factor in monomial.factors if factor.atom.kind == "sum"]
        count = math.prod([len(factor.atom.arguments[0].terms) ** times for factor, times in whole])
        if 1 < count <= _MAX_TERMS:
            return _expanded(coefficient, monomial.factors, *max(whole, key=lambda pair: pair[1]))
    return Polynomial([(monomial, _checked(coefficient))])


def exponential(exponent: Polynomial) -> tuple[float, tuple[Factor, ...]]:
    """`exp(exponent)` as a coefficient and factors: constants are moved out, and `exp(c log|a|)` is `|a|^c`."""
    coefficient, factors, rest = 1.0, [], []
    largest = tolerances.LARGEST_CONSTANT_EXPONENT
    for monomial, c in exponent.terms:
        if not monomial.factors and tolerances.FAINT < abs(c) < largest:
            coefficient = math.exp(c)
        elif (power := _power_of_log(monomial, c)) is not None:
            factors.append(power)
        else:
            rest.append((monomial, c))
    if rest:
        argument = Polynomial(rest)
        low, high = argument.bounds
        factors.append(
            Factor(
                Atom(
                    f"exp[{argument.key}]",
                    "exp",
                    (argument,),
                    low=math.exp(min(low, largest)),
                    high=math.exp(max(high, -largest)) if high < largest else math.inf,
                    may_vanish=argument.singular or low < tolerances.NO_UNDERFLOW_EXPONENT,
                    singular=argument.singular,
                ),
                0,
                1.0,
            )
        )
    return coefficient, tuple(factors)


def factored(polynomial: Polynomial) -> tuple[float, tuple[Factor, ...]]:
    """A nonzero polynomial as a coefficient and factors: a sum becomes its common factors and one atom."""
    if len(polynomial.terms) == 1:
        monomial, coefficient = polynomial.terms[0]
        return coefficient, monomial.factors
    common: tuple[Factor, ...] = ()
    if not polynomial.singular:
        common, polynomial = _common_factors(polynomial)
        if len(polynomial.terms) == 1:
            monomial, coefficient = polynomial.terms[0]
            return coefficient, common + monomial.factors
    coefficient = polynomial.terms[0][1]
    low, high = polynomial.bounds
    if low >= 0.0 or high <= 0.0:
        coefficient = math.copysign(coefficient, 1.0 if low >= 0.0 else -1.0)
    polynomial = scale(polynomial, 1.0 / coefficient)
    low, high = sorted((low / coefficient, high / coefficient))
    atom = Atom(
        f"sum[{polynomial.key}]",
        "sum",
        (polynomial,),
        low=low,
        high=high,
        may_vanish=low <= tolerances.POSITIVE,
        singular=polynomial.singular,
    )
    return coefficient, (*common, Factor(atom, 0 if low >= 0.0 else 1, 1.0))


def _whole_powers(factor: Factor) -> int:
    """How many times the sum in a factor can be multiplied out."""
    if factor.power < 1.0:
        return 0
    if factor.atom.low >= 0.0:
        return math.floor(factor.power)
    return factor.sign + 2 * math.floor((factor.power - factor.sign) / 2)


def _expanded(coefficient: float, factors: tuple[Factor, ...], expand: Factor, times: int) -> Polynomial:
    sign = (expand.sign + times) % 2 if expand.atom.low < 0.0 else 0
    rest = normal_factor(expand.atom, sign, rounded(expand.power - times))
    result = build(coefficient, [*(factor for factor in factors if factor is not expand), *([rest] if rest else [])])
    for _ in range(times):
        result = multiply(result, expand.atom.arguments[0])
    return result


def _power_of_log(monomial: Monomial, exponent: float) -> Factor | None:
    """`exp(exponent * log|a|)` as a power of `a`."""
    if len(monomial.factors) != 1 or monomial.factors[0].atom.kind != "log" or monomial.factors[0].power != 1.0:
        return None
    if monomial.factors[0].sign == 0 and monomial.factors[0].atom.low < 0.0:
        return None  # |log|a||, not log|a|.
    base: Factor = monomial.factors[0].atom.arguments[0]
    if base.power == 0.0:
        return base if exponent > 0.0 else None
    return normal_factor(base.atom, 0, rounded(base.power * exponent))


def _common_factors(polynomial: Polynomial) -> tuple[tuple[Factor, ...], Polynomial]:
    """Splits a finite sum into the factors that divide every term, and the rest; where a factor is 0, so is the sum."""
    rows = [{factor.atom.key: factor for factor in monomial.factors} for monomial, _ in polynomial.terms]
    shared = set(rows[0]).intersection(*rows[1:])
    common = []
    for key in sorted(shared):
        group = [row.pop(key) for row in rows]
        power = min(factor.power for factor in group)
        is_odd = all(factor.sign == 1 for factor in group)
        content = normal_factor(group[0].atom, 1 if is_odd else 0 if power else 2, power)
        if content is not None:
            common.append(content)
        for row, factor in zip(rows, group, strict=True):
            sign = (factor.sign - is_odd) % 2
            if rest := normal_factor(factor.atom, sign, rounded(factor.power - power)):
                row[key] = rest
    if not common:
        return (), polynomial
    result = ZERO
    for row, (_, coefficient) in zip(rows, polynomial.terms, strict=True):
        result = add(result, build(coefficient, tuple(row.values())))
    return (tuple(common), result) if result.terms else ((), polynomial)


def _checked(coefficient: float) -> float:
    if not tolerances.SMALLEST_COEFFICIENT < abs(coefficient) < tolerances.LARGEST_COEFFICIENT:
        raise UnsafeError
    return coefficient


def _sum(values: list[float]) -> float:
    """Sum of bounds, rounded only once so that its sign is right."""
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)
