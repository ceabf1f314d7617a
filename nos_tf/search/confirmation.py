"""Confirms promising rules with further seeds during the search, so that no rule is rewarded for one lucky seed.

All rules train with the same seed, which suits some of them by chance, and a searcher would learn to propose more of
those. Rules that come close to the best baseline are trained with further seeds too, and rewarded by the mean. The
baselines, which train with all seeds, show how much the seeds differ, and what counts as close.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nos_tf.evaluation.result import TRAINED, Evaluation

_DEVIATIONS = 2.0  # Distance from the best baseline, in standard deviations, within which a rule may be as good.


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """Which rules to confirm, and how. Rewards of all rules then estimate the same: the mean reward over all seeds.

    Attributes:
      seeds: Further seeds.
      bar: Reward with the first seed from which a rule is confirmed.
      shift: How much higher the mean reward over all seeds is than that with the first; added to the reward of rules
        that train but are not confirmed.
    """

    seeds: tuple[int, ...]
    bar: float = 0.0
    shift: float = 0.0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Confirmation:
        """The inverse of `dataclasses.asdict`, after JSON has turned the tuple into a list."""
        return cls(**{**data, "seeds": tuple(data["seeds"])})

    @classmethod
    def from_baselines(cls, seeds: Sequence[int], baselines: Sequence[Evaluation]) -> Confirmation | None:
        """Derives bar and shift from baselines that trained with all seeds; returns None if fewer than two did.

        Args:
          seeds: Further seeds.
          baselines: Evaluations of the baselines.
        """
        rewards = np.array([one.seed_rewards for one in baselines if len(one.seed_rewards) == 1 + len(seeds)])
        if not seeds or len(rewards) < 2:
            return None
        residuals = rewards - rewards.mean(axis=0) - rewards.mean(axis=1, keepdims=True) + rewards.mean()
        noise = np.sqrt((residuals**2).sum() / ((len(rewards) - 1) * len(seeds)))
        bar = rewards[:, 0].max() - _DEVIATIONS * noise
        return cls(tuple(seeds), float(bar), float(np.mean(rewards) - np.mean(rewards[:, 0])))

    def confirm(self, evaluation: Evaluation, train: Callable[[float, int], Evaluation]) -> Evaluation:
        """Returns the evaluation of a rule with its final reward.

        Args:
          evaluation: Evaluation with the first seed.
          train: Function that trains the rule at a learning rate with a seed.
        """
        if evaluation.status != TRAINED or evaluation.learning_rate is None:
            return evaluation
        if evaluation.reward < self.bar:
            return evaluation.replace(reward=min(max(evaluation.reward + self.shift, 0.0), 1.0))
        others = [train(evaluation.learning_rate, seed) for seed in self.seeds]
        rewards = (evaluation.reward, *(one.reward for one in others))
        return evaluation.replace(
            reward=float(np.mean(rewards)),
            seed_rewards=rewards,
            seconds=evaluation.seconds + sum(one.seconds for one in others),
            steps=evaluation.steps + sum(one.steps for one in others),
        )
