"""Search in which rules are looked up in a table instead of being trained."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nos_tf import searchers
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.search.configuration import BATCH_SIZE
from nos_tf.search.loop import MAX_PROPOSALS
from nos_tf.search.race import RACERS
from nos_tf.table import Table

SPACE = SearchSpace(num_groups=1)


def search(
    name: str, seed: int, trials: int, table: Table, batch_size: int = BATCH_SIZE, **settings: Any
) -> np.ndarray:
    """Runs a searcher on the table, like a real search.

    Args:
      name: Name of the searcher.
      seed: Seed of the searcher.
      trials: Number of distinct rules to evaluate.
      table: Table of all rules in `SPACE`.
      batch_size: Number of rules per update.
      **settings: Settings of the searcher that differ from its defaults.

    Returns:
      Numbers of the distinct rules in the order of evaluation; fewer than `trials` if the searcher only repeats itself.
    """
    searcher = searchers.get(name, SPACE, seed, **settings)
    found: dict[int, None] = {}
    for _ in range(MAX_PROPOSALS * trials // batch_size):
        programs = searcher.propose(batch_size)
        repeats = []
        numbers = [int(table.classes[tuple(SPACE.encode(program))]) for program in programs]
        for number in numbers:
            repeats.append(number in found)
            found[number] = None
        searcher.observe(programs, [float(table.content.reward[number]) for number in numbers], repeats)
        if len(found) >= trials:
            break
    return np.array(list(found)[:trials])


class Curve(NamedTuple):
    """A search at each of some numbers of evaluated rules, as lists; for several searches, `[searches, checkpoints]`.

    Attributes:
      regret: Regret of the selected rule.
      rank: Its rank.
      likelihood: Its likelihood on test data; None, or NaN in an array, if it is not among the table's best rules.
      steps: Training steps so far.
    """

    regret: Any
    rank: Any
    likelihood: Any
    steps: Any


def curve(found: np.ndarray, at: np.ndarray, table: Table) -> Curve:
    """Follows the rule that a search selects; constant after the search has ended.

    The rules with the highest rewards race, and the one with the highest value is selected. Without a race, a rule that
    was lucky with the search's only seed would be selected again and again. Unlike a real race, this one is not noisy.

    Args:
      found: Numbers of the evaluated rules, in order.
      at: Numbers of evaluated rules, `[checkpoints]`.
      table: Table of all rules in `SPACE`.
    """
    best = []
    for count in np.minimum(at, len(found)):
        racers = found[np.argsort(-table.content.reward[found[:count]], kind="stable")[:RACERS]]
        best.append(racers[np.argmax(table.values[racers])])
    tested = dict(zip(table.content.best.tolist(), table.content.test[:, 0].tolist(), strict=True))
    steps = np.cumsum(table.content.steps[found])
    return Curve(
        (table.values.max() - table.values[best]).tolist(),
        table.ranks[best].tolist(),
        [tested.get(int(number)) for number in best],
        steps[np.minimum(at, len(found)) - 1].tolist(),
    )
