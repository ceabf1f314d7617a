"""The language's functions, applied to polynomials.

Each raises `UnsafeError` if its identities do not hold at every point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from nos_tf.dsl.algebra import tolerances
from nos_tf.dsl.algebra.factors import ONE, Atom, Factor, Monomial, UnsafeError, normal_factor, number_text, rounded
from nos_tf.dsl.algebra.polynomial import ZERO, Polynomial, add, build, constant, exponential, factored, multiply, scale
from nos_tf.dsl.primitives import DELTA


def _function_factors(x: Polynomial) -> tuple[float, tuple[Factor, ...]]:
    """Factors to which a function can be applied one by one: 0 * inf is NaN, but sign(0) * sign(inf) is 0."""
    if not x.terms:
        raise UnsafeError
    coefficient, factors = factored(x)
    if len(factors) > 1 and any(factor.singular for factor in factors):
        raise UnsafeError
    return coefficient, factors


def _product(coefficient: float, factors: Sequence[Factor | None]) -> Polynomial:
    return build(coefficient, [factor for factor in factors if factor is not None])


def sign(x: Polynomial) -> Polynomial:
    if not x.terms:
        return x
    coefficient, factors = _function_factors(x)
    return _product(math.copysign(1.0, coefficient), [sign for f in factors for sign in _factor_sign(f)])


def _factor_sign(factor: Factor) -> list[Factor | None]:
    atom = factor.atom
    if atom.kind == "clip" and factor.power > 0:
        return [sign for f in atom.arguments[0].factors for sign in _factor_sign(f)]
    if atom.singular and factor.power < 0:
        raise UnsafeError
    if factor.power < 0 and not factor.undefined and factor.sign == 0:
        return []  # The sign is 1, also at infinity.
    return [normal_factor(atom, factor.sign or 2, 0.0, factor.undefined)]


def constant_power(x: Polynomial, exponent: float) -> Polynomial:
    """`|x| ** exponent` for a nonzero exponent."""
    if not x.terms:
        if exponent > 0.0:
            return x
        raise UnsafeError
    coefficient, factors = factored(x)
    powers: list[Factor | None] = []
    for factor in factors:
        atom, power = factor.atom, rounded(factor.power * exponent)
        if atom.kind == "exp" and factor.power:
            powers += exponential(scale(atom.arguments[0], exponent))[1]
        elif factor.power == 0.0 and exponent < 0.0 and atom.may_vanish:
            raise UnsafeError
        else:
            powers.append(normal_factor(atom, 0 if power else 2, power, factor.undefined))
    return _product(abs(coefficient) ** exponent, powers)


def log(x: Polynomial) -> Polynomial:
    if not x.terms:
        raise UnsafeError
    coefficient, factors = factored(x)
    result = _log_constant(coefficient)
    for factor in factors:
        if factor.undefined:
            raise UnsafeError
        result = add(result, _factor_log(factor))
    return result


def _factor_log(factor: Factor) -> Polynomial:
    atom = factor.atom
    if atom.kind == "exp" and factor.power:
        return atom.arguments[0]
    base = normal_factor(atom, 0 if factor.power else 2, 1.0 if factor.power else 0.0)
    if base is None:
        return ZERO  # The log of a sign that is never zero.
    monomial = Monomial([base])
    low, high = monomial.bounds
    log_atom = Atom(
        f"log[{monomial.key}]",
        "log",
        (base,),
        low=math.log(low) if low > 0.0 else -math.inf,
        high=math.log(high) if 0.0 < high < math.inf else high,
        singular=atom.may_vanish or atom.singular,
    )
    return _product(factor.power or 1.0, [normal_factor(log_atom, 1, 1.0)])


def exp(x: Polynomial) -> Polynomial:
    coefficient, factors = exponential(x)
    return build(coefficient, factors)


def clip(x: Polynomial, limit: float) -> Polynomial:
    if not x.terms:
        return x
    coefficient, factors = _function_factors(x)
    limit /= abs(coefficient)
    units: list[Factor | None] = [normal_factor(f.atom, f.sign, 0.0) for f in factors if f.sign]
    magnitudes: list[Factor] = [
        m for f in factors if f.power or f.undefined for m in [normal_factor(f.atom, 0, f.power, f.undefined)] if m
    ]
    if any(factor.undefined for factor in magnitudes):
        raise UnsafeError
    power = 1.0
    if len(magnitudes) == 1 and magnitudes[0].power > 0.0:
        # clip(|a|^e, l) is clip(|a|, l^(1/e))^e, and nested clips equal the narrower one.
        atom, _, power, _ = magnitudes[0]
        log_limit = math.log(limit) / power
        if abs(log_limit) > tolerances.LARGEST_LOG_LIMIT:
            raise UnsafeError
        limit = math.exp(log_limit)
        if atom.kind == "clip":
            inner, inner_limit = atom.arguments
            magnitudes, limit = list(inner.factors), min(limit, inner_limit)
        else:
            magnitudes = [Factor(atom, 0, 1.0)]
    monomial = Monomial(magnitudes)
    low, high = (0.0, math.inf) if monomial.singular else monomial.bounds
    if high <= limit * (1.0 + tolerances.BOUND_ROUNDING):
        return x
    if low >= limit:
        return _product(coefficient * limit**power, units)
    clipped = Atom(
        f"clip[{monomial.key}; {number_text(limit)}]",
        "clip",
        (monomial, limit),
        low=low,
        high=limit,
        may_vanish=any(factor.atom.may_vanish for factor in monomial.factors),
        singular=any(factor.atom.singular for factor in monomial.factors),
    )
    return _product(coefficient, [*units, normal_factor(clipped, 0, power)])


def divide(x: Polynomial, y: Polynomial) -> Polynomial:
    divisor = y.constant
    if divisor is not None and (divisor == 0.0 or tolerances.VISIBLE < abs(divisor / DELTA) < 1 / tolerances.VISIBLE):
        if abs(divisor + DELTA) < tolerances.VISIBLE * DELTA:
            raise UnsafeError
        return scale(x, 1.0 / (divisor + DELTA)) if x.terms else x
    low, high = y.bounds
    positive = low >= 0.0 and not y.singular
    reciprocal = Atom(
        f"reciprocal[{y.key}]",
        "reciprocal",
        (y,),
        low=1.0 / (high + DELTA) if positive else -math.inf,
        high=1.0 / (low + DELTA) if positive else math.inf,
        may_vanish=y.singular or (max(-low, high) > tolerances.NO_OVERFLOW and _can_overflow(y)),
        singular=y.singular,
    )
    return multiply(x, _product(1.0, [Factor(reciprocal, 0 if positive else 1, 1.0)]))


def power(x: Polynomial, y: Polynomial) -> Polynomial:
    base, exponent = x.constant, y.constant
    if exponent is not None:
        return constant_power(x, exponent) if exponent else Polynomial([(ONE, 1.0)])
    if base is not None and abs(base) == 1.0:
        return Polynomial([(ONE, 1.0)])
    if base is not None and base != 0.0:
        return exp(multiply(y, log(x)))
    if y.singular or x.singular or not x.terms:
        raise UnsafeError
    coefficient, factors = factored(x)
    if y.bounds[0] > tolerances.BOUND_ROUNDING or not any(_may_be_zero(factor) for factor in factors):
        return exp(multiply(y, log(x)))
    # What remains is 1 where both are zero, like 0 ** 0 and unlike exp(0 * log(0)).
    result = exp(multiply(y, _log_constant(coefficient)))
    for factor in factors:
        if not _may_be_zero(factor):
            result = multiply(result, exp(multiply(y, _factor_log(factor))))
            continue
        if not factor.power and all(factor.atom in [f.atom for f in monomial.factors] for monomial, _ in y.terms):
            continue  # |sign(a)| ** (a * ...): where the base is 0, so is the exponent.
        base_factor = normal_factor(factor.atom, 0 if factor.power else 2, 1.0 if factor.power else 0.0)
        power = scale(y, factor.power or 1.0)
        key = f"power[{Monomial([base_factor] if base_factor else []).key}; {power.key}]"
        atom = Atom(key, "power", (base_factor, power), low=0.0, singular=y.bounds[0] < 0.0)
        result = multiply(result, _product(1.0, [Factor(atom, 0, 1.0)]))
    return result


def _can_overflow(polynomial: Polynomial) -> bool:
    return any(atom.kind in ("exp", "power") for atom in polynomial.atoms)


def _may_be_zero(factor: Factor) -> bool:
    is_exponential = factor.atom.kind == "exp" and factor.power != 0.0  # Its logarithm stays finite.
    return factor.atom.may_vanish and not is_exponential


def _log_constant(value: float) -> Polynomial:
    """Logarithm of a number; raises `UnsafeError` if it is so close to 1 that digits are lost."""
    logarithm = math.log(abs(value))
    if 0.0 < abs(logarithm) < tolerances.LOGARITHM_DIGITS:
        raise UnsafeError
    return constant(logarithm)
