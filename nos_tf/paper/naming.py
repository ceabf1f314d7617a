"""Matches the optimizers of a run with those of the paper."""

from __future__ import annotations

import functools

from nos_tf.dsl import ProgramError, canonical_key, parse
from nos_tf.dsl.named_rules import BASELINE, NAMED_RULES
from nos_tf.paper.cells import TABLES

# Optimizers that no search found: the paper's baselines, and those that searches here are compared with.
BASELINES = (*(name for name, rule in NAMED_RULES.items() if rule.origin == BASELINE), "rmsprop-nasnet")
_TEXTS = {
    name: rule.text
    for name in (row.optimizer for table in TABLES for row in table.rows)
    if (rule := NAMED_RULES.get(name)) is not None and not rule.is_approximate
}


@functools.cache
def known_as(given: str) -> str | None:
    """Name of an optimizer in the paper's tables, or None if they do not list it.

    Args:
      given: Name as the user gave it: a zoo name, a rule as text, or `keras/NAME`.
    """
    if (name := given.removeprefix("keras/")) in BASELINES:
        return name
    try:
        key = canonical_key(parse(given))
    except ProgramError:
        return given
    return next((name for name, text in _TEXTS.items() if canonical_key(parse(text)) == key), None)


def is_rule(given: str) -> bool:
    """Whether an optimizer is an update rule in the search's language but not one of the paper's baselines."""
    return not given.startswith(("keras/", "addons/")) and known_as(given) not in BASELINES
