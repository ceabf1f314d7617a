"""Is a rule better than a baseline? Paired over seeds, corrected for how many were compared and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nos_tf import statistics
from nos_tf.dsl import Program
from nos_tf.leaderboard import BETTER, UNDECIDED, WORSE

LOOKS = 2  # How often a difference is tested at most: undecided ones get as many seeds again, once.
_LEVEL = 0.05

Rewards = Mapping[int, float]  # By seed.


class Comparison(NamedTuple):
    """A rule against a baseline, trained from the same seeds.

    Attributes:
      difference: Mean of rule minus baseline.
      half_width: Of its 95% confidence interval; None when they share a single seed.
      p: Corrected for all comparisons made together (Holm) and for how often they are made (Bonferroni).
      seeds: Number of seeds.
      verdict: `BETTER`, `WORSE` or `UNDECIDED`.
    """

    difference: float
    half_width: float | None
    p: float
    seeds: int
    verdict: str


def compare(
    rules: Sequence[Program],
    baselines: Sequence[Program],
    rewards: Mapping[Program, Rewards],
    looks: int = LOOKS,
) -> dict[tuple[Program, Program], Comparison]:
    """Every rule against every baseline, over the seeds that both were trained from.

    Args:
      rules: What is to be judged.
      baselines: What it is compared with.
      rewards: Rewards of both, of trainings that no choice has seen.
      looks: How often a difference is tested at most.

    Returns:
      The comparisons by rule and baseline; a pair without a common seed is left out.
    """
    differences = {}
    for rule in rules:
        for baseline in baselines:
            seeds = sorted(rewards[rule].keys() & rewards[baseline].keys())
            if seeds and rule != baseline:
                first, second = ([rewards[one][seed] for seed in seeds] for one in (rule, baseline))
                differences[rule, baseline] = statistics.paired_difference(first, second), len(seeds)
    corrected = statistics.holm([min(1.0, looks * difference.p) for difference, _ in differences.values()])
    return {
        pair: Comparison(difference.mean, difference.half_width, p, seeds, _verdict(difference.mean, p))
        for (pair, (difference, seeds)), p in zip(differences.items(), corrected, strict=True)
    }


def overall(comparisons: Sequence[Comparison]) -> str:
    """Verdict of a rule: better than every baseline, worse than one of them, or undecided."""
    verdicts = {comparison.verdict for comparison in comparisons}
    if verdicts == {BETTER}:
        return BETTER
    return WORSE if WORSE in verdicts else UNDECIDED


def _verdict(difference: float, p: float) -> str:
    if p >= _LEVEL:
        return UNDECIDED
    return BETTER if difference > 0 else WORSE
