"""The algebraic normal form of an update rule: its live part as a polynomial.

Equal normal forms mean equal rules; what the algebra cannot simplify stays in them as it was written.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence

from nos_tf.dsl import identities
from nos_tf.dsl.factors import Atom, Factor, Monomial, UnsafeError, number_text
from nos_tf.dsl.polynomial import ZERO, Polynomial, add, build, constant, multiply, scale
from nos_tf.dsl.primitives import GROUP_NAMES
from nos_tf.dsl.program import Program

_CACHE_SIZE = 1 << 15
_MASK = re.compile(r"mask([\d.]+)#(\d+)")


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
      mask_labels: For each side of each group, `2 * group + side`, the number of the random mask of a drop there.
    """
    values: dict[str, Polynomial] = {}
    result = ZERO
    for index in program.live_groups:
        group = program.groups[index]
        sides = [
            _unary(unary, values[name] if name in values else _operand(name), mask_labels[2 * index + side])
            for side, name, unary in group.sides()
        ]
        result = sides[0] if group.binary == "left" else _binary(group.binary, *sides)
        if index < len(GROUP_NAMES):
            values[GROUP_NAMES[index]] = result
    return result


def masks(polynomial: Polynomial) -> frozenset[tuple[float, int]]:
    """Rate and label of every random mask that a polynomial depends on."""
    return frozenset((float(rate), int(label)) for rate, label in _MASK.findall(polynomial.key))


def _symbol(name: str) -> Atom:
    return Atom(name, "operand")


_G, _M, _W = _symbol("g"), _symbol("m"), _symbol("w")
_NOT_NEGATIVE = {"v": math.inf, "ld": 1.0, "cd": 1.0, "rd": 1.0}  # Name and upper bound.


@functools.cache
def _operand(name: str) -> Polynomial:
    if name in ("1", "2"):
        return constant(float(name))
    if name.endswith("*w"):
        return build(float(name.removesuffix("*w")), [Factor(_W, 1, 1.0)])
    if name.startswith("g**"):
        power = int(name.removeprefix("g**"))
        return build(1.0, [Factor(_G, power % 2, float(power))])
    if name.startswith("sign("):
        return build(1.0, [Factor({"sign(g)": _G, "sign(m)": _M}[name], 1, 0.0)])
    if name in _NOT_NEGATIVE:
        return build(1.0, [Factor(Atom(name, "operand", low=0.0, high=_NOT_NEGATIVE[name]), 0, 1.0)])
    return build(1.0, [Factor(_symbol(name), 1, 1.0)])


@functools.lru_cache(_CACHE_SIZE)
def _unary(name: str, x: Polynomial, mask_label: int) -> Polynomial:
    if name == "identity":
        return x
    if name == "neg":
        return scale(x, -1.0)
    function, _, parameter = name.partition("_")
    arguments = [float(parameter)] if parameter else []
    try:
        if function == "drop":
            return _drop(x, arguments[0], mask_label)
        if function in _FUNCTIONS:
            return _FUNCTIONS[function](x, *arguments)
        return _opaque(name, x)  # Its algebra is not known: equal to itself alone.
    except (UnsafeError, OverflowError):
        mask = [_mask(arguments[0], mask_label)] if function == "drop" else []
        return _opaque(name, x, *mask)


@functools.lru_cache(_CACHE_SIZE)
def _binary(name: str, x: Polynomial, y: Polynomial) -> Polynomial:
    if name == "-":
        return _binary("+", x, scale(y, -1.0))
    try:
        return _OPERATORS[name](x, y) if name in _OPERATORS else _opaque(name, x, y)
    except (UnsafeError, OverflowError):
        if name in ("+", "*"):
            x, y = sorted((x, y), key=lambda p: p.key)
        return _opaque(name, x, y)


def _opaque(name: str, *arguments: Polynomial) -> Polynomial:
    key = f"{name}[{'; '.join([argument.key for argument in arguments])}]"
    return Polynomial([(Monomial([Factor(Atom(key, "opaque", (name, *arguments), singular=True), 1, 1.0)]), 1.0)])


def _mask(rate: float, label: int) -> Polynomial:
    atom = Atom(f"mask{number_text(rate)}#{label}", "mask", (rate, label), low=0.0, high=1.0)
    return Polynomial([(Monomial([Factor(atom, 2, 0.0)]), 1.0)])


def _drop(x: Polynomial, rate: float, label: int) -> Polynomial:
    if x.singular:
        raise UnsafeError  # A dropped infinity is zero, but infinity times a mask is NaN.
    return multiply(_mask(rate, label), x)
