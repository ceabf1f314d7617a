"""Writes formulas in a framework's notation."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from nos_tf.dsl.entries import ATOM, NEGATION, POWER, PRODUCT, SUM
from nos_tf.dsl.primitives import AVERAGES
from nos_tf.exporters.expression import Expression

# How tightly an operator binds, its template, and how tightly its arguments must bind. Operators of the same kind
# associate to the left, but a power's base needs its own brackets.
_OPERATORS: dict[str, tuple[int, str, tuple[int, ...]]] = {
    "<": (SUM - 1, "%s < %s", (SUM, SUM)),
    "+": (SUM, "%s + %s", (SUM, PRODUCT)),
    "-": (SUM, "%s - %s", (SUM, PRODUCT)),
    "*": (PRODUCT, "%s * %s", (PRODUCT, NEGATION)),
    "/": (PRODUCT, "%s / %s", (PRODUCT, NEGATION)),
    "%": (PRODUCT, "%s %% %s", (PRODUCT, NEGATION)),
    "neg": (NEGATION, "-%s", (NEGATION,)),
    "**": (POWER, "%s**%s", (ATOM, ATOM)),
}
_LATEX_OPERATORS = _OPERATORS | {
    "*": (PRODUCT, r"%s \, %s", (PRODUCT, NEGATION)),
    "**": (POWER, "%s^{%s}", (ATOM, 0)),
    "%": (PRODUCT, r"%s \bmod %s", (PRODUCT, NEGATION)),
}
_SIMPLE = re.compile(r"-?[\w.]+")
_ARITIES = {"where": 3, "clip": 3, "minimum": 2, "maximum": 2}
_FUNCTIONS = ("abs", "clip", "cos", "exp", "log", "maximum", "minimum", "sign", "sqrt", "square", "where")


def functions(prefix: str, *names: str) -> dict[str, str]:
    """Templates of a library's functions, by default of all functions that the language's arithmetic calls."""
    places = {name: ", ".join(["%s"] * _ARITIES.get(name, 1)) for name in names or _FUNCTIONS}
    return {name: f"{prefix}{name}({place})" for name, place in places.items()}


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a framework writes formulas.

    Attributes:
      functions: Template of each function, with `%s` for every argument; may also include operators.
      names: Replacements of names in the formula.
      draw: Function that writes a random draw.
      pi: Text of pi.
      number: Function that writes any other number.
      operators: For each operator, how tightly it binds, its template, and how tightly its arguments must bind.
    """

    functions: Mapping[str, str]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    draw: Callable[[Expression], str] = lambda draw: f"{draw.op}()"
    pi: str = "math.pi"
    number: Callable[[float], str] = lambda value: literal(value)
    operators: Mapping[str, tuple[int, str, tuple[int, ...]]] = dataclasses.field(default_factory=_OPERATORS.copy)

    def write(self, expression: Expression) -> str:
        """Writes a formula.

        Raises:
          NotImplementedError: The framework's table lacks a function.
        """
        return self._bound(expression)[0]

    def _bound(self, expression: Expression) -> tuple[str, int]:
        """Text of a formula, and how tightly it binds."""
        op, value = expression.op, expression.value
        if op == "number":
            return (self.pi, ATOM) if value == math.pi else (self.number(value), NEGATION if value < 0 else ATOM)
        if op in ("name", "array"):
            return self.names.get(value, value), ATOM
        if op in ("normal", "uniform"):
            return self.draw(expression), ATOM
        if op == "full" and op not in self.functions:
            return self._bound(expression.arguments[0])
        if op in self.functions:
            return self.functions[op] % tuple(self.write(part) for part in expression.arguments), ATOM
        if op not in self.operators:
            raise NotImplementedError(f"Add the function to the table of this dialect. Received: {op}")
        binding, template, least = self.operators[op]
        sides = [self._bracketed(part, at_least) for part, at_least in zip(expression.arguments, least, strict=True)]
        if template == "%s**%s" and not all(map(_SIMPLE.fullmatch, sides)):
            template = "%s ** %s"  # As formatters prefer it.
        return template % tuple(sides), binding

    def _bracketed(self, expression: Expression, at_least: int) -> str:
        text, binding = self._bound(expression)
        return text if binding >= at_least else f"({text})"


def literal(value: float) -> str:
    """A number as Python writes it, in its shortest form and without rounding errors in the last digit."""
    plain = float(f"{value:.12g}")
    value = plain if abs(plain - value) <= 3 * math.ulp(value) else value
    if not math.isfinite(value):
        return f'float("{value}")'
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    short = repr(value) if 1e-2 <= abs(value) < 1e6 else np.format_float_scientific(value, trim="-", exp_digits=1)
    return short.replace("e+", "e")


def _latex_number(value: float) -> str:
    mantissa, power, exponent = literal(value).partition("e")
    if not math.isfinite(value) or not power:
        return {math.inf: r"\infty", -math.inf: r"-\infty"}.get(value, mantissa)
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if mantissa != "1" else f"10^{{{exponent}}}"


def _latex_names() -> dict[str, str]:
    names = {"beta_1": r"\beta_1", "beta_2": r"\beta_2", "beta_3": r"\beta_3", "gamma": r"\gamma", "total_steps": "T"}
    for name in AVERAGES:
        symbol, _, index = name.partition("_")
        if index:
            names |= {name: rf"{symbol}_{{\mathrm{{{index}}}}}", f"beta_{name}": rf"\beta_{{\mathrm{{{index}}}}}"}
    return names


TEXT = Dialect(functions("") | {"square": "%s^2"}, pi="pi")
LATEX = Dialect(
    {
        "/": r"\frac{%s}{%s}",
        "abs": r"\left|%s\right|",
        "cos": r"\cos\left(%s\right)",
        "exp": "e^{%s}",
        "log": r"\log\left(%s\right)",
        "maximum": r"\max\left(%s, %s\right)",
        "minimum": r"\min\left(%s, %s\right)",
        "sign": r"\operatorname{sign}\left(%s\right)",
        "sqrt": r"\sqrt{%s}",
    },
    names=_latex_names(),
    draw=lambda draw: r"\mathcal{N}(0, 1)",
    pi=r"\pi",
    number=_latex_number,
    operators=_LATEX_OPERATORS | {"square": (POWER, "%s^2", (ATOM,))},
)
