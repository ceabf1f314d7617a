"""Programs as text and as LaTeX.

Text is unambiguous: parsing it gives back the same tokens. A group whose value is read once is written inline if the
order of the groups allows it; every other group gets its own statement: `b1 = sqrt(v) * 1; m / b1`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Sequence

from nos_tf.dsl.entries import ATOM, POWER, Binary, Operand, Unary
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY

Groups = Sequence[Sequence[str]]  # operand1, operand2, unary1, unary2, binary

_IDENTITY = UNARY["identity"]


@dataclasses.dataclass(frozen=True)
class _Style:
    """How a notation writes each primitive and how tightly that binds; at `ATOM`, it brackets its own arguments."""

    operand: Callable[[Operand], tuple[str, int]]
    unary: Callable[[Unary], str]
    binary: Callable[[Binary], tuple[str, int]]
    parentheses: str
    right_binding: int = 0  # Minimum binding of an operator's right side.

    def bracket(self, expression: str, binding: int, at_least: int) -> str:
        return expression if binding >= at_least else self.parentheses % expression


_TEXT = _Style(
    operand=lambda entry: (entry.name, entry.binding),
    unary=lambda entry: entry.text,
    binary=lambda entry: (entry.text, entry.binding),
    parentheses="(%s)",
)
_LATEX = _Style(
    operand=lambda entry: (entry.latex, ATOM),
    unary=lambda entry: entry.latex,
    binary=lambda entry: (entry.latex, entry.latex_binding),
    parentheses=r"\left(%s\right)",
    right_binding=POWER,
)


def to_text(groups: Groups) -> str:
    """The program as infix text that parses back to the same tokens."""
    inlined = _inlined(groups)
    statements = []
    for index in range(len(groups)):
        if index not in inlined:
            name = f"{GROUP_NAMES[index]} = " if index < len(groups) - 1 else ""
            statements.append(name + _group(groups, index, inlined, _TEXT)[0])
    return "; ".join(statements)


def to_latex(groups: Groups) -> str:
    """The update as a single formula, without the groups that it does not read."""
    return _group(groups, len(groups) - 1, range(len(groups)), _LATEX)[0]


def _inlined(groups: Groups) -> frozenset[int]:
    """The largest set of groups that can be written inline, given that parsing numbers groups in text order."""
    readers: list[list[int]] = [[] for _ in groups]
    for reader, group in enumerate(groups):
        for name in group[:2]:
            if name in GROUP_NAMES:
                readers[GROUP_NAMES.index(name)].append(reader)
    once = [index for index, reading in enumerate(readers) if len(reading) == 1]

    def visit(index: int, chosen: Collection[int]) -> list[int]:
        inner = [GROUP_NAMES.index(name) for name in groups[index][:2] if name in GROUP_NAMES]
        return [*itertools.chain.from_iterable(visit(i, chosen) for i in inner if i in chosen), index]

    for count in range(len(once), 0, -1):
        for chosen in itertools.combinations(once, count):
            order = [visit(index, chosen) for index in range(len(groups)) if index not in chosen]
            if list(itertools.chain.from_iterable(order)) == list(range(len(groups))):
                return frozenset(chosen)
    return frozenset()


def _group(groups: Groups, index: int, inlined: Collection[int], style: _Style) -> tuple[str, int]:
    """Expression of one group, and how tightly it binds."""
    operand1, operand2, unary1, unary2, binary = groups[index]
    template, binding = style.binary(BINARY[binary])
    left, right = 0, 0
    if binding < ATOM:
        # Operators of the same kind associate to the left, but a power's base needs its own brackets.
        left, right = binding + (binding == POWER), max(binding + 1, style.right_binding)
    first = style.bracket(*_side(groups, operand1, unary1, inlined, style), left)
    second = style.bracket(*_side(groups, operand2, unary2, inlined, style), right)
    if style is _TEXT and _is_operand(template % (first, second)):
        first = _IDENTITY.text % first  # A bare `g ** 2` would be the operand of that name.
    return template % (first, second), binding


def _side(groups: Groups, name: str, unary: str, inlined: Collection[int], style: _Style) -> tuple[str, int]:
    """Expression of one operand under its unary function, and how tightly it binds."""
    if name in GROUP_NAMES and GROUP_NAMES.index(name) in inlined:
        expression, binding = _group(groups, GROUP_NAMES.index(name), inlined, style)
    else:
        expression, binding = style.operand(OPERANDS[name]) if name in OPERANDS else (name, ATOM)
    entry = UNARY[unary]
    if entry is _IDENTITY:
        return expression, binding
    if entry.binding < ATOM:
        expression = style.bracket(expression, binding, entry.binding)
    if style is _TEXT and _is_operand(entry.text % expression):
        expression = _IDENTITY.text % expression  # A bare `sign(g)` would be the operand of that name.
    return style.unary(entry) % expression, entry.binding


def _is_operand(text: str) -> bool:
    return text.replace(" ", "") in OPERANDS
