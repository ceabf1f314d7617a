"""Searchers by name: policy gradients, random search and regularised evolution."""

from typing import Any

from nos_tf.dsl.errors import suggestion
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers.searcher import Searcher

POLICY_GRADIENTS = ("ppo", "trpo", "reinforce")
NAMES = (*POLICY_GRADIENTS, "random", "evolution")

__all__ = ["NAMES", "Searcher", "get"]


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
    # Imported where needed: the first kind loads TensorFlow, which the others do without.
    if name in POLICY_GRADIENTS:
        from nos_tf.searchers.policy_gradient import PolicyGradient

        return PolicyGradient(space, seed, learner=name, **settings)
    if name == "random":
        from nos_tf.searchers.random_search import RandomSearch

        return RandomSearch(space, seed, **settings)
    if name == "evolution":
        from nos_tf.searchers.evolution import Evolution

        return Evolution(space, seed, **settings)
    raise ValueError(f"Unknown searcher{suggestion(name, NAMES)} Known: {', '.join(NAMES)}. Received: {name!r}")
