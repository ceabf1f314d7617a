"""Searchers by name: policy gradients, random search and regularised evolution."""

import functools
from collections.abc import Callable
from typing import Any

from nos_tf.dsl.search_space import SearchSpace
from nos_tf.errors import unknown
from nos_tf.searchers.searcher import Searcher

POLICY_GRADIENTS = ("ppo", "trpo", "reinforce")

__all__ = ["NAMES", "POLICY_GRADIENTS", "Searcher", "get"]


# Each imports its module where needed: policy gradients load TensorFlow, which the others do without.
def _policy_gradient(learner: str, space: SearchSpace, seed: int, **settings: Any) -> Searcher:
    from nos_tf.searchers.policy_gradient import PolicyGradient

    return PolicyGradient(space, seed, learner=learner, **settings)


def _random(space: SearchSpace, seed: int, **settings: Any) -> Searcher:
    from nos_tf.searchers.random_search import RandomSearch

    return RandomSearch(space, seed, **settings)


def _evolution(space: SearchSpace, seed: int, **settings: Any) -> Searcher:
    from nos_tf.searchers.evolution import Evolution

    return Evolution(space, seed, **settings)


_SEARCHERS: dict[str, Callable[..., Searcher]] = {
    **{learner: functools.partial(_policy_gradient, learner) for learner in POLICY_GRADIENTS},
    "random": _random,
    "evolution": _evolution,
}
NAMES = tuple(_SEARCHERS)


def get(name: str, space: SearchSpace, seed: int, **settings: Any) -> Searcher:
    """Makes a searcher.

    Args:
      name: One of `NAMES`.
      space: What to search.
      seed: Of all its random draws, at least 0.
      **settings: Of that searcher, e.g. `learning_rate` of "ppo".

    Raises:
      ValueError: The name is unknown, or a setting is out of its range.
    """
    if name not in _SEARCHERS:
        raise ValueError(unknown("searcher", name, NAMES))
    return _SEARCHERS[name](space, seed, **settings)
