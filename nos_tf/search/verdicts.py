"""Tests whether rules beat baselines: paired over seeds, corrected for multiple comparisons and repeated looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nos_tf.common import statistics
from nos_tf.common.leaderboard import BETTER, UNDECIDED, WORSE
from nos_tf.dsl import Program

LOOKS = 2  # Maximum number of tests of a difference in a race: undecided ones get as many seeds again, once.
_LEVEL = 0.05

Rewards = Mapping[int, float]  # By seed.


class Comparison(NamedTuple):
    """Comparison of a rule with a baseline, trained with the same seeds.

    Attributes:
      difference: Mean of rule minus baseline.
      half_width: Half-width of its 95% confidence interval; None for a single common seed.
      p: p-value, corrected for the number of comparisons (Holm) and of looks (Bonferroni).
      seeds: Number of common seeds.
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
    """Compares every rule with every baseline, over their common seeds.

    Args:
      rules: Rules to judge.
      baselines: Rules to compare them with.
      rewards: Rewards of both, from trainings that were not used for selection.
      looks: Maximum number of times a difference is tested.

    Returns:
      Comparisons by rule and baseline; pairs without a common seed are left out.
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
    """Verdict on a rule: better than every baseline, worse than at least one, or undecided."""
    verdicts = {comparison.verdict for comparison in comparisons}
    if verdicts == {BETTER}:
        return BETTER
    return WORSE if WORSE in verdicts else UNDECIDED


def _verdict(difference: float, p: float) -> str:
    if p >= _LEVEL:
        return UNDECIDED
    return BETTER if difference > 0 else WORSE
