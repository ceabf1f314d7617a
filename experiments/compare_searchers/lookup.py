"""A search whose rules are looked up in a table instead of being trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from nos_tf import searchers
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.search.configuration import BATCH_SIZE
from nos_tf.search.loop import MAX_PROPOSALS
from nos_tf.table import Table

SPACE = SearchSpace(num_groups=1)


def search(name: str, seed: int, trials: int, table: Table, **settings: Any) -> np.ndarray:
    """Lets a searcher search the table, by the rules of a real search.

    Args:
      name: Name of the searcher.
      seed: Its seed.
      trials: Distinct rules to evaluate.
      table: Of all rules of `SPACE`.
      **settings: Settings of the searcher that differ from its defaults.

    Returns:
      Numbers of the distinct rules in the order of their evaluation; fewer than `trials` of a searcher that has run
      dry.
    """
    searcher = searchers.get(name, SPACE, seed, **settings)
    found: dict[int, None] = {}
    for _ in range(MAX_PROPOSALS * trials // BATCH_SIZE):
        programs = searcher.propose(BATCH_SIZE)
        repeats = []
        numbers = [int(table.classes[tuple(SPACE.encode(program))]) for program in programs]
        for number in numbers:
            repeats.append(number in found)
            found[number] = None
        searcher.observe(programs, [float(table.content.reward[number]) for number in numbers], repeats)
        if len(found) >= trials:
            break
    return np.array(list(found)[:trials])


def chosen(found: np.ndarray, table: Table) -> np.ndarray:
    """The rule of the highest reward so far, after each evaluation.

    Its reward is that of one training; what it is worth, `table.values` tells.
    """
    rewards = table.content.reward[found]
    best = np.maximum.accumulate(rewards)
    is_new = np.concatenate([[True], best[1:] > best[:-1]])
    return found[np.maximum.accumulate(np.where(is_new, np.arange(len(found)), 0))]


def curve(found: np.ndarray, at: np.ndarray, table: Table) -> tuple[list[float], list[int]]:
    """Regret and rank of the chosen rule at each number of evaluated rules; the last ones where the search ended."""
    best = chosen(found, table)[np.minimum(at, len(found)) - 1]
    return (table.values.max() - table.values[best]).tolist(), table.ranks[best].tolist()
