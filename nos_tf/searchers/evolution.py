"""Regularized evolution: tournaments, single mutations, and death by age.

Source: Real, Aggarwal, Huang, Le (2019), "Regularized evolution for image classifier architecture search", algorithm 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from nos_tf.common.settings import Settings, setting
from nos_tf.dsl.algebra.canonical import canonical_key, canonical_keys, key_number
from nos_tf.dsl.program import TOKENS_PER_GROUP, Program
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers.registry import register
from nos_tf.searchers.searcher import State, check_observation, check_state, identity

_MAX_MUTATIONS = 20  # Per child; if they do not lead to a new rule, everything around the parent is known.


@dataclasses.dataclass(frozen=True)
class EvolutionSettings(Settings):
    """Settings of `Evolution`, which suit a few hundred rules. The source uses 100 and 25, for 20,000 rules."""

    population_size: int = setting(
        50, "Number of rules alive at a time in regularized evolution.", at_least=1, flag="population_size"
    )
    tournament_size: int = setting(
        10, "Number of rules drawn with replacement, the best of which is a parent.", at_least=1, flag="tournament_size"
    )


@register("evolution", EvolutionSettings)
class Evolution:
    """Mutates the best of a few random programs; each observed program replaces the oldest.

    Programs are drawn uniformly until the population is full. A child is mutated until it equals no program observed
    before, nor another child of the same proposal: most single mutations of a good rule lead to a known rule or change
    only the text.

    Args:
      space: The search space.
      seed: Seed of all draws, at least 0.
      settings: Sizes of the population and the tournament.
    """

    def __init__(self, space: SearchSpace, seed: int, settings: EvolutionSettings):
        self._space = space
        self._seed = seed
        self._settings = settings
        self._proposed = 0
        self._observed = 0
        # A ring buffer, in which the next observed program replaces the oldest.
        self._tokens = np.zeros((settings.population_size, space.length), np.int32)
        self._rewards = np.zeros(settings.population_size, np.float64)
        self._known: set[int] = set()  # Canonical keys, as 64-bit numbers.

    def propose(self, count: int) -> list[Program]:
        start, self._proposed = self._proposed, self._proposed + count
        known = set(self._known)
        return [self._child(np.random.default_rng((self._seed, k)), known) for k in range(start, start + count)]

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        tokens = check_observation(self._space, programs, rewards, repeats)
        self._known.update(map(key_number, canonical_keys(programs)))
        for row, reward in zip(tokens, rewards, strict=True):
            oldest = self._observed % len(self._rewards)
            self._tokens[oldest], self._rewards[oldest] = row, reward
            self._observed += 1

    def metrics(self) -> dict[str, float]:
        alive = min(self._observed, len(self._rewards))
        return {"population_reward": float(self._rewards[:alive].mean())} if alive else {}

    def state(self) -> dict[str, np.ndarray]:
        return {
            "identity": identity("evolution", self._space, self._seed, self._settings),
            "proposed": np.array(self._proposed, np.int64),
            "observed": np.array(self._observed, np.int64),
            "tokens": self._tokens.copy(),
            "rewards": self._rewards.copy(),
            "known": np.array(sorted(self._known), np.uint64),
        }

    def restore(self, state: State) -> None:
        check_state(state, self.state() | {"known": np.asarray(state.get("known", ()), np.uint64)})
        self._proposed = int(state["proposed"])
        self._observed = int(state["observed"])
        self._tokens = state["tokens"].copy()
        self._rewards = state["rewards"].copy()
        self._known = set(state["known"].tolist())

    def _child(self, rng: np.random.Generator, known: set[int]) -> Program:
        if self._observed < len(self._rewards):
            return self._space.sample(rng)
        tournament = rng.integers(len(self._rewards), size=self._settings.tournament_size)
        tokens = self._tokens[tournament[np.argmax(self._rewards[tournament])]]
        for _ in range(_MAX_MUTATIONS):
            tokens = mutate(self._space, tokens, rng)
            child = self._space.decode(tokens.tolist())
            key = key_number(canonical_key(child))
            if key not in known:
                break
        known.add(key)
        return child


def mutate(space: SearchSpace, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Replaces one token with another.

    If the group's other operand is not allowed beside the new one, it is redrawn too: under some constraints, replacing
    single tokens could not reach every program.

    Args:
      space: Search space whose constraints the result meets.
      tokens: Token indices of a program in the space, int32 `[length]`.
      rng: Source of the draws.

    Returns:
      Token indices of another program in the space, or of the same one if there is no other.
    """
    for position in rng.permutation(space.length):
        group, place = divmod(int(position), TOKENS_PER_GROUP)
        pairs = space.operand_masks[group]
        if place == 0:
            allowed = pairs.any(axis=1)
        elif place == 1:
            allowed = pairs.any(axis=0)
        else:
            allowed = space.mask(tokens[:position].tolist())
        choices = np.flatnonzero(allowed)
        choices = choices[choices != tokens[position]]
        if not len(choices):
            continue
        mutant = tokens.copy()
        mutant[position] = rng.choice(choices)
        if place < 2:
            first, second = position - place, position - place + 1
            if not pairs[mutant[first], mutant[second]]:
                partners = pairs[mutant[first]] if place == 0 else pairs[:, mutant[second]]
                mutant[first + 1 - place] = rng.choice(np.flatnonzero(partners))
        return mutant
    return tokens
