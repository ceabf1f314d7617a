"""Exports rules as source code for other frameworks: one file that depends on the framework but not on this package."""

from __future__ import annotations

import importlib

from nos_tf.common.errors import unknown
from nos_tf.dsl import Program
from nos_tf.exporters.recipe import recipe
from nos_tf.exporters.subject import subject

TARGETS = ("keras", "optax", "torch", "numpy", "latex", "markdown")  # Each is a module of this package.


def export(rule: Program | str, to: str) -> str:
    """Returns the source code of an optimizer that trains with a rule in some framework, or the rule as a formula.

    The code depends only on the framework. It contains the equations, only those running averages that the rule reads,
    the license (Apache-2.0), and the origin of the rule.

    Example:
    >>> text = nos_tf.export("exp(sign(g) * sign(m)) * g", to="torch")

    Args:
      rule: A `Program`, its text, a name from the zoo such as `"powersign-cd"`, or the folder of a search, which stands
        for its winner.
      to: `keras` (a `keras.optimizers.Optimizer` for every backend), `optax` (a `GradientTransformation`), `torch` (a
        `torch.optim.Optimizer`), `numpy`, `latex` or `markdown`.

    Raises:
      ValueError: The target is unknown, or the rule is neither a text of the language nor a known name.
      RunError: The search in the folder has no winner.
    """
    if to not in TARGETS:
        raise ValueError(unknown("target", to, TARGETS))
    exported = subject(rule)
    text: str = importlib.import_module(f"nos_tf.exporters.{to}").source(exported, recipe(exported.program))
    return text
