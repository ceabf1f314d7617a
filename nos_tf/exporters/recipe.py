"""The parts of an optimizer for a rule: its averages, the statements of a step, and what these read.

The arithmetic in `nos_tf.dsl.primitives` itself is run on a state of names, so that there is no second copy of it.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from typing import Any, ClassVar

from nos_tf.dsl import Program, evaluate
from nos_tf.dsl.primitives import AVERAGES, OPERANDS
from nos_tf.exporters.expression import (
    GRADIENT,
    STEP,
    TOTAL_STEPS,
    WEIGHTS,
    Expression,
    Functions,
    array,
    filled,
    number,
    scalar,
)
from nos_tf.exporters.printing import TEXT

_BETAS = {"m": "beta_1", "v": "beta_2", "gamma": "beta_3"}  # As in ProgramOptimizer.
_SHORT, _LONGEST = 12, 60  # Length of a part up to which it is repeated rather than named, and of a statement.
_ATOMS = ("number", "name", "array")


@dataclasses.dataclass(frozen=True)
class Slot:
    """A running average.

    Attributes:
      name: Its name in the generated code.
      beta_name: Name of its decay rate.
      beta: Default decay rate.
      averaged: What is averaged, as a formula in the gradient.
    """

    name: str
    beta_name: str
    beta: float
    averaged: Expression

    @property
    def updated(self) -> Expression:
        """The average after a step."""
        beta = scalar(self.beta_name)
        return beta * array(self.name) + (number(1) - beta) * self.averaged


@dataclasses.dataclass(frozen=True)
class Statement:
    """`name = expression`."""

    name: str
    expression: Expression

    @property
    def is_array(self) -> bool:
        """Whether it has a value for every weight rather than one for all."""
        return self.expression.is_array


@dataclasses.dataclass(frozen=True)
class Recipe:
    """An optimizer's step.

    Attributes:
      slots: Running averages, which are updated first.
      definitions: The rule's operands that are computed from averages and draws, by token.
      statements: Computation of the update; the last one is named `update`.
    """

    slots: tuple[Slot, ...]
    definitions: tuple[Statement, ...]
    statements: tuple[Statement, ...]

    @property
    def _parts(self) -> list[Expression]:
        return [part for statement in self.statements for part in statement.expression.walk()]

    def reads(self, name: str) -> bool:
        """Whether a name such as `w`, `t` or `total_steps` is read."""
        return any(part.op in ("name", "array") and part.value == name for part in self._parts)

    @property
    def draws(self) -> tuple[Expression, ...]:
        """The distinct random draws of a step."""
        return tuple(dict.fromkeys(part for part in self._parts if part.op in ("normal", "uniform")))

    @property
    def update(self) -> Expression:
        return self.statements[-1].expression


class _Names:
    """A `nos_tf.dsl.state.State` whose values are names."""

    xp: ClassVar[Any] = Functions()
    g = array(GRADIENT)
    w = array(WEIGHTS)
    step = scalar(STEP)
    total_steps = scalar(TOTAL_STEPS)

    def __init__(self, site: int = 0):
        self._site = site

    def constant(self, value: float) -> Expression:
        return number(value)

    def average(self, name: str) -> Expression:
        return array(name)

    def bias(self, name: str) -> Expression:
        return number(1) - scalar(_beta_name(name)) ** (self.step + number(1))

    def normal(self, stream: int) -> Expression:
        return Expression("normal", value=stream)

    def uniform(self) -> Expression:
        return Expression("uniform", value=self._site)

    def at_site(self, site: int) -> _Names:
        return _Names(site)


def recipe(program: Program) -> Recipe:
    """The parts of an optimizer for a rule, with only what the rule reads."""
    update = evaluate(program, _Names())
    if not update.is_array:
        update = filled(update)
    values = {name: OPERANDS[name].compute(_Names()) for name in OPERANDS if name in program.operands}
    definitions = [
        Statement(name, value) for name, value in values.items() if name.isidentifier() and value.op not in _ATOMS
    ]
    names = {
        definition.expression: f"{definition.name}_hat" if definition.name in AVERAGES else definition.name
        for definition in definitions
        if definition.expression != update
    }
    statements = _named(update, names)
    read = {name for statement in statements for name in statement.expression.names()}
    slots = tuple(
        Slot(name, _beta_name(name), entry.beta, _averaged(name)) for name, entry in AVERAGES.items() if name in read
    )
    return Recipe(slots, tuple(definitions), tuple(statements))


def _beta_name(average: str) -> str:
    return _BETAS.get(average, f"beta_{average}")


def _averaged(name: str) -> Expression:
    return AVERAGES[name].compute(array(GRADIENT))


def _named(update: Expression, names: dict[Expression, str]) -> list[Statement]:
    """Splits the update into statements: named operands, then parts that are read twice, then overlong lines."""
    statements = [Statement(name, value) for value, name in names.items()]
    update = update.replaced({value: _variable(name, value) for value, name in names.items()})
    statements = [statement for statement in statements if statement.name in update.names()]
    taken: set[str] = {""}
    while (part := _next_part([*statements, Statement("update", update)])) is not None:
        numbered = (f"x{number}" for number in itertools.count(1))
        name = next(name for name in itertools.chain([_role(part)], numbered) if name not in taken)
        taken.add(name)
        replacement = {part: _variable(name, part)}
        changed = [Statement(each.name, each.expression.replaced(replacement)) for each in statements]
        first = next((i for i, (a, b) in enumerate(zip(changed, statements, strict=True)) if a != b), len(changed))
        statements = [*changed[:first], Statement(name, part), *changed[first:]]
        update = update.replaced(replacement)
    return [*statements, Statement("update", update)]


def _role(part: Expression) -> str:
    """A descriptive name for a part, or an empty string."""
    if _drops(part):
        return "dropped"
    # A factor that corrects the bias of running averages, which start at zero.
    return "correction" if not part.is_array and any(name.startswith("beta_") for name in part.names()) else ""


def _variable(name: str, value: Expression) -> Expression:
    return array(name) if value.is_array else scalar(name)


def _next_part(statements: list[Statement]) -> Expression | None:
    """The next part to be named: the largest that is read twice, or one from a statement that is too long."""
    parts = [part for statement in statements for part in statement.expression.walk() if part.op not in _ATOMS]
    counts = collections.Counter(parts)
    repeated = [part for part, times in counts.items() if times > 1 and (_length(part) > _SHORT or part.is_random)]
    repeated += [
        part for one in statements for part in one.expression.walk() if _drops(part) and part != one.expression
    ]
    if repeated:
        return max(repeated, key=_length)
    longest = max(statements, key=lambda statement: _length(statement.expression)).expression
    inner = [part for part in longest.walk() if part.op not in _ATOMS and part != longest]
    if _length(longest) <= _LONGEST or not inner:
        return None
    # Prefer a value that is the same for all weights, otherwise the part that splits the line in half.
    scalars = [part for part in inner if not part.is_array and _length(part) > _SHORT]
    return max(scalars, key=_length) if scalars else min(inner, key=lambda part: abs(2 * _length(part) - _LONGEST))


def _drops(part: Expression) -> bool:
    return part.op == "where" and part.is_random


def _length(expression: Expression) -> int:
    return len(TEXT.write(expression))
