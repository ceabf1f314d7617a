"""Formulas as PyTorch operations on lists of tensors, one per statement, in place if nothing else reads the list."""

from __future__ import annotations

import dataclasses
import re

from nos_tf.exporters.expression import Expression
from nos_tf.exporters.printing import Dialect, functions

SCALARS = Dialect(
    {
        **functions("math.", "cos", "sqrt"),
        "abs": "abs(%s)",
        "minimum": "min(%s, %s)",
        "maximum": "max(%s, %s)",
        "clip": "min(max(%s, %s), %s)",
    },
)
# Functions that Python's `math` lacks, or that raise there where arrays give infinity or NaN.
_NOT_FOR_SCALARS = ("exp", "log", "sign", "where")
_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow"}
_CLAMPS = {"minimum": "clamp_max", "maximum": "clamp_min"}
_UNARY = ("abs", "cos", "exp", "log", "sign", "sqrt", "neg")
_UNNAMED = re.compile(r"\by\d+\b")
_COMMUTING = ("+", "*", "minimum", "maximum")


@dataclasses.dataclass(frozen=True)
class _Value:
    """Text of a value; a `fresh` list of tensors may be overwritten."""

    text: str
    is_list: bool = True
    fresh: bool = False


class Foreach:
    """Writes statements.

    Args:
      lists: Variable of each list that formulas read, by its name in the formulas.
    """

    def __init__(self, lists: dict[str, str]):
        self.lines: list[str] = []
        self._lists = dict(lists)
        self._count = 0

    def numbered(self) -> list[str]:
        """The lines, with the auxiliary variables numbered from 1."""
        names = dict.fromkeys(name for line in self.lines for name in _UNNAMED.findall(line))
        numbers = {name: f"y{number}" for number, name in enumerate(names, start=1)}
        return [_UNNAMED.sub(lambda name: numbers[name[0]], line) for line in self.lines]

    def assign(self, name: str, expression: Expression) -> str:
        """Writes statements that assign a formula to a name; returns the variable that holds it, maybe another one."""
        start = len(self.lines)
        value = self._value(expression)
        if not value.is_list:
            self.lines.append(f"{name} = {value.text}")
            return name
        self._lists[name] = name if value.fresh else value.text
        if value.fresh:
            used = re.compile(rf"\b{value.text}\b")
            self.lines[start:] = [used.sub(name, line) for line in self.lines[start:]]
        return self._lists[name]

    def average(self, slot: str, beta: str, averaged: Expression) -> None:
        """Writes statements that update a running average in place."""
        averages, rest = self._lists[slot], f"1 - {beta}"
        if averaged.op == "array":
            self.lines.append(f"torch._foreach_lerp_({averages}, {self._lists[averaged.value]}, {rest})")
            return
        factors = averaged.arguments * 2 if averaged.op == "square" else averaged.arguments
        is_product = averaged.op in ("square", "*") and all(factor.is_array for factor in factors)
        values = [self._value(factor).text for factor in factors] if is_product else [self._value(averaged).text]
        self.lines.append(f"torch._foreach_mul_({averages}, {beta})")
        if is_product:
            self.lines.append(f"torch._foreach_addcmul_({averages}, {', '.join(values)}, value={rest})")
        else:
            self.lines.append(f"torch._foreach_add_({averages}, {values[0]}, alpha={rest})")

    def _value(self, expression: Expression) -> _Value:
        op, parts = expression.op, expression.arguments
        if not self._is_list(expression):
            return _Value(SCALARS.write(expression), is_list=False)
        if op in ("array", "name"):
            return _Value(self._lists[expression.value])
        if op == "normal":
            return self._new("[torch.randn_like(g) for g in grads]")
        if op == "full":
            return self._spread(self._value(parts[0])) if not self._is_list(parts[0]) else self._value(parts[0])
        if op == "where":
            return self._dropped(*parts)
        if op == "square":
            value = self._value(parts[0])
            return self._apply("mul", value, value)
        if op == "clip":
            lower = self._apply("clamp_min", self._listed(parts[0]), self._value(parts[1]))
            return self._apply("clamp_max", lower, self._value(parts[2]))
        if op in _UNARY:
            return self._apply(op, self._listed(parts[0]))
        if op in _OPERATORS or op in _CLAMPS:
            return self._binary(op, *parts)
        raise NotImplementedError(f"Add the function to the tables of this module. Received: {op}")

    def _is_list(self, expression: Expression) -> bool:
        op, parts = expression.op, expression.arguments
        if op == "name":
            return expression.value in self._lists
        is_of_rule = op == "**" and (parts[0].op == "abs" or parts[0].is_nonnegative)  # Not that of a bias correction.
        if is_of_rule or op in _NOT_FOR_SCALARS or op in ("array", "full", "normal"):
            return True
        return any(map(self._is_list, parts))

    def _binary(self, op: str, left: Expression, right: Expression) -> _Value:
        name = _OPERATORS.get(op) or _CLAMPS[op]
        first, second = self._value(left), self._value(right)
        if not first.is_list and not second.is_list:
            first = self._spread(first)
        if op in _COMMUTING and (not first.is_list or (second.fresh and not first.fresh)):
            first, second = second, first
        if first.is_list:
            return self._apply(name, first, second)
        if op == "-":  # A number minus a list.
            return self._apply("add", self._apply("neg", second), first)
        if op == "/":
            inverse = self._apply("reciprocal", second)
            return inverse if first.text == "1" else self._apply("mul", inverse, first)
        return self._new(f"torch._foreach_pow({first.text}, {second.text})")

    def _dropped(self, condition: Expression, then: Expression, otherwise: Expression) -> _Value:
        drawn, rate = condition.arguments
        if condition.op != "<" or drawn.op != "uniform" or self._is_list(then):
            raise NotImplementedError("Only random choices of a number are supported")
        value = self._listed(otherwise)
        chosen = f"torch.rand_like(x) < {SCALARS.write(rate)}"
        line = f"[x.masked_fill({chosen}, {SCALARS.write(then)}) for x in {value.text}]"
        if value.fresh:
            self.lines.append(f"{value.text} = {line}")
            return value
        return self._new(line)

    def _apply(self, name: str, first: _Value, *others: _Value) -> _Value:
        arguments = ", ".join(value.text for value in (first, *others))
        if first.fresh:
            self.lines.append(f"torch._foreach_{name}_({arguments})")
            return first
        return self._new(f"torch._foreach_{name}({arguments})")

    def _listed(self, expression: Expression) -> _Value:
        value = self._value(expression)
        return value if value.is_list else self._spread(value)

    def _spread(self, value: _Value) -> _Value:
        return self._new(f"[torch.full_like(g, {value.text}) for g in grads]")

    def _new(self, text: str) -> _Value:
        self._count += 1
        name = f"y{self._count}"
        self.lines.append(f"{name} = {text}")
        return _Value(name, fresh=True)
