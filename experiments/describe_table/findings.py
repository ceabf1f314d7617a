"""Statistics of a table of rules, as plain arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nos_tf.dsl import SearchSpace, parse
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.dsl.program import ProgramError
from nos_tf.evaluation.result import TRAINED
from nos_tf.table import Table

SPACE = SearchSpace(num_groups=1)


def trained(table: Table) -> np.ndarray:
    """Whether each distinct rule trained, `[rules]`."""
    return table.content.status == table.content.facts["statuses"].index(TRAINED)


def named(table: Table) -> dict[str, float]:
    """Values of the titled optimizers within the search space, highest first."""
    values = {}
    for rule in NAMED_RULES.values():
        if rule.title:
            try:
                values[rule.title] = table.value(parse(rule.text))
            except ProgramError:
                continue  # Its operand is not one of the paper's.
    return dict(sorted(values.items(), key=lambda one: -one[1]))


def by_spelling(table: Table) -> np.ndarray:
    """Value of every rule of the space, `[operand, operand, unary, unary, binary]`."""
    return table.values[table.classes]


class Share(NamedTuple):
    """How often an operand or function occurs in rules.

    Attributes:
      word: The operand or function.
      all: Share of all distinct rules that train.
      best: Share of the best rules.
    """

    word: str
    all: float
    best: float


def words(table: Table, best: int) -> list[Share]:
    """Shares of rules with each operand and function, sorted by their share of the best rules.

    Args:
      table: The table.
      best: Number of best rules.
    """
    chosen = table.ranks <= best
    shares = []
    for word in dict.fromkeys((*SPACE.operands, *SPACE.unary, *SPACE.binary)):
        has = _has(table, word)
        shares.append(Share(word, float(has[trained(table)].mean()), float(has[chosen].mean())))
    return sorted(shares, key=lambda share: -share.best)


def _has(table: Table, word: str) -> np.ndarray:
    """Whether the representative of each class contains an operand or function."""
    has = np.zeros(len(table), bool)
    for place, tokens in enumerate(table.content.tokens.T):
        vocabulary = SPACE.vocabulary(place)
        if word in vocabulary:
            has |= tokens == vocabulary.index(word)
    return has


def sweep(table: Table, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Learning rates tried for a rule, ascending, and the rewards of their short trainings.

    Rates that were dropped before they had a reward are left out.
    """
    ends = table.content.sweep_ends
    part = slice(ends[number - 1] if number else 0, ends[number])
    rates, scores = table.content.sweep_rate[part], table.content.sweep_score[part]
    known = np.isfinite(scores)
    order = np.argsort(rates[known])
    return rates[known][order], scores[known][order]
