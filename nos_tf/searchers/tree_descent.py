"""Monte Carlo descent through the tree of partial rules.

Source: Wang, Zhang, Qiu, Yang, Wang (2022), "Efficient non-parametric optimizer search for diverse tasks": a rule is a
path in the tree of partial rules, and the search descends it level by level, into the subtree of the best samples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from nos_tf.common.settings import Settings, setting
from nos_tf.dsl.program import Program
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers.registry import register
from nos_tf.searchers.searcher import State, check_observation, check_state, identity


@dataclasses.dataclass(frozen=True)
class TreeDescentSettings(Settings):
    """Settings of `TreeDescent`; with five tokens per group, 26 samples match the source's 128 evaluations.

    A level ends with a batch, so batches of 8 make them 32 samples a level.
    """

    samples: int = setting(
        26, "Number of rules drawn at each level of a tree descent.", at_least=1, flag="descent_samples"
    )


@register("tree_descent", TreeDescentSettings)
class TreeDescent:
    """Fixes a rule token by token; after the last token, it starts over with the first.

    At each level, programs that begin with the tokens fixed so far are drawn, token by token and uniformly. The next
    token is then fixed to that of the best program of this descent.

    Args:
      space: The search space.
      seed: Seed of all draws, at least 0.
      settings: Number of samples.
    """

    def __init__(self, space: SearchSpace, seed: int, settings: TreeDescentSettings):
        self._space = space
        self._seed = seed
        self._settings = settings
        self._proposed = 0
        self._fixed = 0  # Number of tokens of the best program.
        self._observed = 0  # At this level.
        self._best = np.zeros(space.length, np.int32)
        self._best_reward = -np.inf

    def propose(self, count: int) -> list[Program]:
        start, self._proposed = self._proposed, self._proposed + count
        return [self._draw(np.random.default_rng((self._seed, k))) for k in range(start, start + count)]

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        tokens = check_observation(self._space, programs, rewards, repeats)
        best = int(np.argmax(rewards))
        if rewards[best] > self._best_reward:
            self._best, self._best_reward = tokens[best], float(rewards[best])
        self._observed += len(programs)
        if self._observed >= self._settings.samples:
            self._fixed, self._observed = self._fixed + 1, 0
            if self._fixed == self._space.length:
                self._fixed, self._best_reward = 0, -np.inf

    def metrics(self) -> dict[str, float]:
        return {"tokens_fixed": float(self._fixed)}

    def state(self) -> dict[str, np.ndarray]:
        return {
            "identity": identity("tree_descent", self._space, self._seed, self._settings),
            "proposed": np.array(self._proposed, np.int64),
            "fixed": np.array(self._fixed, np.int64),
            "observed": np.array(self._observed, np.int64),
            "best": self._best.copy(),
            "best_reward": np.array(self._best_reward, np.float64),
        }

    def restore(self, state: State) -> None:
        check_state(state, self.state())
        self._proposed = int(state["proposed"])
        self._fixed = int(state["fixed"])
        self._observed = int(state["observed"])
        self._best = state["best"].copy()
        self._best_reward = float(state["best_reward"])

    def _draw(self, rng: np.random.Generator) -> Program:
        tokens = self._best[: self._fixed].tolist()
        while len(tokens) < self._space.length:
            tokens.append(int(rng.choice(np.flatnonzero(self._space.mask(tokens)))))
        return self._space.decode(tokens)
