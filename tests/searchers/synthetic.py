"""Synthetic rewards with a known best program, and the probability of good random programs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers import Searcher

SPACE = SearchSpace(num_groups=2, constraints=frozenset({"different_operands", "no_final_addition"}))
Reward = Callable[[np.ndarray], float]


def dense_reward(seed: int) -> Reward:
    """Creates a reward that is the fraction of tokens that match a target program."""
    target = SPACE.encode(SPACE.sample(np.random.default_rng((seed, 10**6))))
    return lambda tokens: float(np.mean(tokens == target))


def sparse_reward(seed: int) -> Reward:
    """Creates a reward like `dense_reward`, but 0 for fewer than two matches, about 80% of random programs."""
    dense = dense_reward(seed)
    return lambda tokens: value if (value := dense(tokens)) >= 0.2 else 0.0


def run(searcher: Searcher, reward: Reward, trials: int, batch: int = 8) -> np.ndarray:
    """Runs a searcher, and returns the rewards of all trials in order."""
    rewards: list[float] = []
    while len(rewards) < trials:
        programs = searcher.propose(batch)
        observed = [reward(SPACE.encode(program)) for program in programs]
        searcher.observe(programs, observed, [False] * batch)
        rewards += observed
    return np.array(rewards)


def chance_of_matches(matches: int) -> float:
    """Returns an upper bound of the probability that a random program has at least this many matches.

    Matches are treated as independent; one choice fewer at each position accounts for the constraints.
    """
    distribution = np.array([1.0])
    for position in range(SPACE.length):
        chance = 1 / (len(SPACE.vocabulary(position)) - 1)
        distribution = np.convolve(distribution, [1 - chance, chance])
    return float(distribution[matches:].sum())
