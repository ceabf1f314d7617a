"""Formulas as source text of a framework."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from nos_tf.dsl.entries import ATOM, NEGATION, POWER, PRODUCT, SUM
from nos_tf.exporters.expression import Expression

_OPERATORS = {
    "<": (SUM - 1, "%s < %s"),
    "+": (SUM, "%s + %s"),
    "-": (SUM, "%s - %s"),
    "*": (PRODUCT, "%s * %s"),
    "/": (PRODUCT, "%s / %s"),
    "%": (PRODUCT, "%s %% %s"),
    "neg": (NEGATION, "-%s"),
    "**": (POWER, "%s**%s"),
}
_SIMPLE = re.compile(r"-?[\w.]+")
_ARITIES = {"where": 3, "clip": 3, "minimum": 2, "maximum": 2}
_FUNCTIONS = ("abs", "clip", "cos", "exp", "log", "maximum", "minimum", "sign", "sqrt", "square", "where")


def functions(prefix: str, *names: str) -> dict[str, str]:
    """Templates of a library's functions, by default of all that the language's arithmetic calls."""
    places = {name: ", ".join(["%s"] * _ARITIES.get(name, 1)) for name in names or _FUNCTIONS}
    return {name: f"{prefix}{name}({place})" for name, place in places.items()}


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a framework writes formulas.

    Attributes:
      functions: Template of each function, `%s` for every argument; it may also hold an operator's.
      names: What a name of the formula is called, where it is called otherwise.
      draw: Text of a random draw.
      pi: Text of the number.
    """

    functions: Mapping[str, str]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    draw: Callable[[Expression], str] = lambda draw: f"{draw.op}()"
    pi: str = "math.pi"

    def write(self, expression: Expression) -> str:
        """The formula.

        Raises:
          NotImplementedError: The framework's table lacks a function.
        """
        return self._bound(expression)[0]

    def _bound(self, expression: Expression) -> tuple[str, int]:
        """Text and how tightly it binds."""
        op, value = expression.op, expression.value
        if op == "number":
            return (self.pi, ATOM) if value == math.pi else (literal(value), NEGATION if value < 0 else ATOM)
        if op in ("name", "array"):
            return self.names.get(value, value), ATOM
        if op in ("normal", "uniform"):
            return self.draw(expression), ATOM
        if op == "full" and op not in self.functions:
            return self._bound(expression.arguments[0])
        if op in self.functions:
            return self.functions[op] % tuple(self.write(part) for part in expression.arguments), ATOM
        if op not in _OPERATORS:
            raise NotImplementedError(f"Add the function to the table of this dialect. Received: {op}")
        binding, template = _OPERATORS[op]
        # Operators of one kind group from the left, but a power's base needs its own brackets.
        least = [binding + (binding == POWER), binding + 1][: len(expression.arguments)]
        sides = [self._bracketed(part, at_least) for part, at_least in zip(expression.arguments, least, strict=True)]
        if op == "**" and not all(map(_SIMPLE.fullmatch, sides)):
            template = "%s ** %s"  # As formatters want it.
        return template % tuple(sides), binding

    def _bracketed(self, expression: Expression, at_least: int) -> str:
        text, binding = self._bound(expression)
        return text if binding >= at_least else f"({text})"


def literal(value: float) -> str:
    """A number as Python writes it, in its shortest form."""
    if not math.isfinite(value):
        return f'float("{value}")'
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    short = repr(value) if 1e-2 <= abs(value) < 1e6 else np.format_float_scientific(value, trim="-", exp_digits=1)
    return short.replace("e+", "e")


TEXT = Dialect(functions("") | {"square": "%s^2"}, pi="pi")
