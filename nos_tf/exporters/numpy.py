"""A rule as a NumPy class."""

from __future__ import annotations

import dataclasses

from nos_tf.exporters.expression import STEP, Expression
from nos_tf.exporters.layout import arguments, assignments, common, fill, signature
from nos_tf.exporters.printing import Dialect, functions
from nos_tf.exporters.recipe import Recipe
from nos_tf.exporters.subject import Subject

_TEMPLATE = '''\
$header
"""$name in NumPy."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class $name:
    """Trains one array of weights with the rule $rule.

        $equations
        w = w - learning_rate * update

    $legend

    Example:

        optimizer = $name(learning_rate=$rate$and_example)
        weights = optimizer.step(weights, gradient)

    Args:
        learning_rate: Step size$measured.
        $explained
    """

    learning_rate: float
    $fields

    $generator

    def step(self, w: np.ndarray, g: np.ndarray) -> np.ndarray:
        """Returns the weights after one more step, given the weights and their gradient."""
        $step
        return w - $change
'''
_GENERATOR = """\
def __post_init__(self):
    self.rng = np.random.default_rng(self.seed)
"""


def source(subject: Subject, recipe: Recipe) -> str:
    """Text of the file."""
    counts = recipe.reads(STEP)
    dialect = _dialect(recipe)
    state = [f"{slot.name}: np.ndarray | float = 0.0" for slot in recipe.slots] + ["t: int = 0"] * counts
    before = ["t = self.t"] * counts
    averages = [
        f"{slot.name} = self.{slot.name} = {_before_step(dialect, slot.name).write(slot.updated)}"
        for slot in recipe.slots
    ]
    after = ["self.t += 1"] * counts
    # NumPy's own scalars and draws would turn single-precision weights into double precision.
    change = "self.learning_rate * update"
    return fill(
        _TEMPLATE,
        **common(subject, recipe),
        fields=[*signature(recipe), *state],
        generator=_GENERATOR.rstrip() if recipe.draws else [],
        step=[*before, *averages, *assignments(recipe, dialect), *after],
        change=f"({change}).astype(w.dtype)" if counts or recipe.draws else change,
    )


def _before_step(dialect: Dialect, average: str) -> Dialect:
    """The dialect in which the name of an average means its value before the step."""
    return dataclasses.replace(dialect, names={**dialect.names, average: f"self.{average}"})


def _dialect(recipe: Recipe) -> Dialect:
    return Dialect(
        functions("np.") | {"full": "np.full_like(g, %s)"},
        names={name: f"self.{name}" for name in arguments(recipe)},
        draw=_draw,
        pi="np.pi",
    )


def _draw(draw: Expression) -> str:
    return "self.rng.standard_normal(g.shape)" if draw.op == "normal" else "self.rng.random(g.shape)"
