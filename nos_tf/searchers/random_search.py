"""Random search, the reference that every other searcher must beat with the same number of trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nos_tf.common.settings import Settings
from nos_tf.dsl.program import Program
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers.registry import register
from nos_tf.searchers.searcher import State, check_observation, check_state, identity


@register("random", Settings)
class RandomSearch:
    """Draws programs uniformly from the space, whatever their rewards.

    The k-th proposal depends only on the seed and k, not on how proposals are batched.

    Args:
      space: The search space.
      seed: Seed of all draws, at least 0.
      settings: Has no fields.
    """

    def __init__(self, space: SearchSpace, seed: int, settings: Settings):
        self._settings = settings
        self._space = space
        self._seed = seed
        self._proposed = 0

    def propose(self, count: int) -> list[Program]:
        start, self._proposed = self._proposed, self._proposed + count
        return [self._space.sample(np.random.default_rng((self._seed, k))) for k in range(start, start + count)]

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        check_observation(self._space, programs, rewards, repeats)

    def metrics(self) -> dict[str, float]:
        return {}

    def state(self) -> dict[str, np.ndarray]:
        return {
            "identity": identity("random", self._space, self._seed, self._settings),
            "proposed": np.array(self._proposed, np.int64),
        }

    def restore(self, state: State) -> None:
        check_state(state, self.state())
        self._proposed = int(state["proposed"])
