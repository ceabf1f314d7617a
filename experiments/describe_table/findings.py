"""Statistics of a table of rules, as plain arrays."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np

from nos_tf.common.statistics import holm, paired_difference
from nos_tf.dsl import SearchSpace, parse
from nos_tf.dsl.program import ProgramError
from nos_tf.evaluation.result import TRAINED
from nos_tf.search.trial import BASELINES
from nos_tf.table import Table

SPACE = SearchSpace(num_groups=1)


def trained(table: Table) -> np.ndarray:
    """Whether each distinct rule trained, `[rules]`."""
    return table.content.status == table.content.facts["statuses"].index(TRAINED)


def named(table: Table) -> dict[str, float]:
    """Values of the titled optimizers within the search space, highest first."""
    values = {}
    for name, rule in BASELINES.items():
        with contextlib.suppress(ProgramError):  # Its operand is not one of the paper's.
            values[name] = table.value(parse(rule))
    return dict(sorted(values.items(), key=lambda one: -one[1]))


class Ahead(NamedTuple):
    """How sure it is that rules are ahead of one that they are compared with.

    Attributes:
      significant: Number of rules that differ from it with p < 0.05, by a t test paired over seeds.
      corrected: The same after Holm's correction for all of them.
      on_test: Number of rules whose likelihood on test data is higher, too.
    """

    significant: int
    corrected: int
    on_test: int


def ahead(table: Table, rule: str, rules: np.ndarray) -> Ahead:
    """Compares rules with another one; all of them have been trained with several seeds.

    Args:
      table: The table.
      rule: Text of the rule to compare with.
      rules: Numbers of the rules.
    """
    content = table.content
    finest = content.fine_rewards.mean(axis=2).argmax(axis=1)
    rewards = content.fine_rewards[np.arange(len(content.best)), finest].astype(np.float64)
    places = {number: place for place, number in enumerate(content.best.tolist())}
    own, others = places[table.number(rule)], [places[number] for number in rules.tolist()]
    p_values = [paired_difference(rewards[place].tolist(), rewards[own].tolist()).p for place in others]
    return Ahead(
        sum(p < 0.05 for p in p_values),
        sum(p < 0.05 for p in holm(p_values)),
        int((content.test[others, 0] > content.test[own, 0]).sum()),
    )


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
