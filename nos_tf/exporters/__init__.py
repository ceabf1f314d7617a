"""Rules as source text for other frameworks: one file that depends on the framework and on nothing of this package."""

from __future__ import annotations

import importlib

from nos_tf.dsl import Program
from nos_tf.errors import unknown
from nos_tf.exporters.recipe import recipe
from nos_tf.exporters.subject import subject

TARGETS = ("keras", "optax", "torch", "numpy", "latex", "markdown")  # Each is a module of this package.


def export(rule: Program | str, to: str) -> str:
    """Source text of an optimizer that trains with a rule, for a framework, or the rule as a formula.

    The text depends on the framework alone. It holds the equation, the running averages that the rule reads and no
    others, its license (Apache-2.0) and where the rule comes from.

    Example:
    >>> text = nos_tf.export("exp(sign(g) * sign(m)) * g", to="torch")

    Args:
      rule: A `Program`, its text, a name of the zoo such as `"powersign-cd"`, or the folder of a search,
        whose winner is taken.
      to: `keras` (a `keras.optimizers.Optimizer` for every backend), `optax` (a `GradientTransformation`), `torch` (a
        `torch.optim.Optimizer`), `numpy`, `latex` or `markdown`.

    Raises:
      ValueError: The target is unknown, or the rule is neither a text of the language nor a known name.
      RunError: The folder holds no winner.
    """
    if to not in TARGETS:
        raise ValueError(unknown("target", to, TARGETS))
    found = subject(rule)
    text: str = importlib.import_module(f"nos_tf.exporters.{to}").source(found, recipe(found.program))
    return text
