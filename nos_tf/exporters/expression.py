"""Formulas as values: the result of running the language's arithmetic on names instead of numbers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nos_tf.dsl.primitives import AVERAGES

GRADIENT, WEIGHTS, STEP, TOTAL_STEPS = "g", "w", "t", "total_steps"

_FOLDED: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "neg": np.negative,
}


@dataclasses.dataclass(frozen=True)
class Expression:
    """A formula; formulas that are written alike are equal.

    Attributes:
      op: An operator, NumPy's name of a function, or one of `number`, `name` (of a scalar), `array` (an array's name),
        `normal` and `uniform` (draws shaped like the gradient), and `full` (an array filled with a number).
      arguments: Arguments of the operator or function.
      value: The number, the name, or the number of the stream of draws.
    """

    op: str
    arguments: tuple[Expression, ...] = ()
    value: Any = None

    @functools.cached_property
    def is_array(self) -> bool:
        """Whether it is shaped like the gradient."""
        return self.op in ("array", "full", "normal", "uniform") or any(part.is_array for part in self.arguments)

    @functools.cached_property
    def is_nonnegative(self) -> bool:
        """Whether it is known to be nonnegative or NaN."""
        parts = [part.is_nonnegative for part in self.arguments]
        if self.op == "number":
            return bool(self.value >= 0)
        if self.op == "array":
            return self.value in AVERAGES and AVERAGES[self.value].low >= 0
        return self.op in ("abs", "exp", "sqrt", "square") or (self.op in ("+", "*", "/", "**") and all(parts))

    @functools.cached_property
    def is_random(self) -> bool:
        """Whether it draws random numbers, so that evaluating it again gives different values."""
        return self.op in ("normal", "uniform") or any(part.is_random for part in self.arguments)

    def walk(self) -> Iterator[Expression]:
        """Yields the formula and all its parts, parts first and including duplicates."""
        for part in self.arguments:
            yield from part.walk()
        yield self

    def names(self) -> set[str]:
        """Names that it reads."""
        return {part.value for part in self.walk() if part.op in ("name", "array")}

    def replaced(self, parts: dict[Expression, Expression]) -> Expression:
        """The formula with some of its parts replaced, the largest first."""
        if self in parts:
            return parts[self]
        return dataclasses.replace(self, arguments=tuple(part.replaced(parts) for part in self.arguments))

    def __add__(self, other: Any) -> Expression:
        return apply("+", self, other)

    def __radd__(self, other: Any) -> Expression:
        return apply("+", other, self)

    def __sub__(self, other: Any) -> Expression:
        return apply("-", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return apply("-", other, self)

    def __mul__(self, other: Any) -> Expression:
        return apply("*", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return apply("*", other, self)

    def __truediv__(self, other: Any) -> Expression:
        return apply("/", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return apply("/", other, self)

    def __pow__(self, other: Any) -> Expression:
        return apply("**", self, other)

    def __rpow__(self, other: Any) -> Expression:
        return apply("**", other, self)

    def __mod__(self, other: Any) -> Expression:
        return apply("%", self, other)

    def __lt__(self, other: Any) -> Expression:
        return apply("<", self, other)

    def __neg__(self) -> Expression:
        return apply("neg", self)


def number(value: float) -> Expression:
    """A constant."""
    return Expression("number", value=float(value))


def scalar(name: str) -> Expression:
    """A number that the generated code refers to by name."""
    return Expression("name", value=name)


def array(name: str) -> Expression:
    """An array, shaped like the gradient, that the generated code refers to by name."""
    return Expression("array", value=name)


def filled(value: Expression) -> Expression:
    """An array shaped like the gradient and filled with a number."""
    return Expression("full", (value,))


def apply(op: str, *arguments: Any) -> Expression:
    """Applies an operator or function to formulas and numbers, simplified as far as no value changes."""
    parts = tuple(part if isinstance(part, Expression) else number(part) for part in arguments)
    one = number(1)
    if all(part.op == "number" for part in parts) and (fold := _FOLDED.get(op) or getattr(np, op, None)):
        with np.errstate(all="ignore"):
            return number(fold(*(np.float64(part.value) for part in parts)))
    if op == "where" and not parts[2].is_array:
        parts = (*parts[:2], filled(parts[2]))  # Two bare numbers would not have the dtype of the gradient.
    match op, parts:
        case ("*", (x, y)) if y == one:
            return x
        case ("*", (x, y)) if x == one:
            return y
        case ("*", (x, y)) if x == y and x.op == "array":
            return Expression("square", (x,))
        case ("/", (x, y)) if y == one:
            return x
        case ("abs", (x,)) if x.is_nonnegative:
            return x
        case ("minimum", (Expression(op="maximum", arguments=(x, low)), high)) if low.op == high.op == "number":
            return Expression("clip", (x, low, high))
    return Expression(op, parts)


class Functions:
    """Functions of formulas under NumPy's names."""

    def __getattr__(self, name: str) -> Callable[..., Expression]:
        return functools.partial(apply, name)
