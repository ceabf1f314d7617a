"""The algebraic normal form of an update rule: its live part as a polynomial.

Equal normal forms mean equal rules; what the algebra cannot simplify is kept as written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from nos_tf.dsl.algebra import identities
from nos_tf.dsl.algebra.factors import Atom, Factor, Monomial, UnsafeError, number_text
from nos_tf.dsl.algebra.polynomial import ZERO, Polynomial, add, build, constant, multiply, scale
from nos_tf.dsl.entries import Meaning
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY
from nos_tf.dsl.program import Program

_CACHE_SIZE = 1 << 15

_FUNCTIONS: dict[str, Callable[..., Polynomial]] = {
    "exp": identities.exp,
    "log": identities.log,
    "sqrt": lambda x: identities.constant_power(x, 0.5),
    "clip": identities.clip,
    "sign": identities.sign,
}
_OPERATORS: dict[str, Callable[[Polynomial, Polynomial], Polynomial]] = {
    "+": add,
    "*": multiply,
    "/": identities.divide,
    "**": identities.power,
}


def normal_form(program: Program, mask_labels: Sequence[int]) -> Polynomial:
    """The update as a polynomial.

    Args:
      program: The rule.
      mask_labels: Number of the random mask that a drop uses at each side of each group, at index `2 * group + side`.
    """
    values: dict[str, Polynomial] = {}
    result = ZERO
    for index in program.live_groups:
        group = program.groups[index]
        sides = [
            _unary(unary, values[name] if name in values else _operand(name), mask_labels[2 * index + side])
            for side, name, unary in group.sides()
        ]
        result = _binary(group.binary, *sides) if len(sides) == 2 else sides[0]
        if index < len(GROUP_NAMES):
            values[GROUP_NAMES[index]] = result
    return result


@functools.cache
def _operand(name: str) -> Polynomial:
    meaning = OPERANDS[name].meaning or Meaning(name)
    if not meaning.symbol:
        return constant(meaning.coefficient)
    atom = Atom(meaning.symbol, "operand", low=meaning.low, high=meaning.high)
    return build(meaning.coefficient, [Factor(atom, meaning.sign, meaning.power)])


@functools.lru_cache(_CACHE_SIZE)
def _unary(name: str, x: Polynomial, mask_label: int) -> Polynomial:
    if name == "identity":
        return x
    if name == "neg":
        return scale(x, -1.0)
    entry = UNARY[name]
    mask = [_mask(name, mask_label)] if entry.stochastic else []
    try:
        if entry.function == "drop":
            return _drop(x, *mask)
        if entry.function in _FUNCTIONS:
            return _FUNCTIONS[entry.function](x, *([] if entry.parameter is None else [entry.parameter]))
    except (UnsafeError, OverflowError):
        pass
    return _opaque(name, x, *mask)  # Its algebra is unknown or does not hold here, so it only equals itself.


@functools.lru_cache(_CACHE_SIZE)
def _binary(name: str, x: Polynomial, y: Polynomial) -> Polynomial:
    if name == "-":
        return _binary("+", x, scale(y, -1.0))
    try:
        if name in _OPERATORS:
            return _OPERATORS[name](x, y)
    except (UnsafeError, OverflowError):
        pass
    if BINARY[name].commutes:
        x, y = sorted((x, y), key=lambda p: p.key)
    return _opaque(name, x, y)


def _opaque(name: str, *arguments: Polynomial) -> Polynomial:
    key = f"{name}[{'; '.join([argument.key for argument in arguments])}]"
    return Polynomial([(Monomial([Factor(Atom(key, "opaque", (name, *arguments), singular=True), 1, 1.0)]), 1.0)])


def _mask(name: str, label: int) -> Polynomial:
    """The mask that a drop multiplies by, or a symbol for the numbers that another random function draws."""
    rate = UNARY[name].parameter if UNARY[name].function == "drop" else None
    key = f"mask{name if rate is None else number_text(rate)}#{label}"
    atom = Atom(key, "mask", (name, label), low=0.0, high=1.0)
    return Polynomial([(Monomial([Factor(atom, 2, 0.0)]), 1.0)])


def _drop(x: Polynomial, mask: Polynomial) -> Polynomial:
    if x.singular:
        raise UnsafeError  # A dropped infinity is zero, but infinity times a mask is NaN.
    return multiply(mask, x)
