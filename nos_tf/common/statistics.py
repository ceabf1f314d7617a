"""The statistics shown in reports.

SciPy is imported on first use: importing it takes a second, which a rejected command should not cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean and the half-width of its confidence interval, which is None for a single value."""

    mean: float
    half_width: float | None


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and Student's t confidence interval of independent values."""
    if len(values) < 2:
        return Interval(float(np.mean(values)), None)
    import scipy.stats

    quantile = scipy.stats.t.ppf(0.5 + confidence / 2, len(values) - 1)
    return Interval(float(np.mean(values)), float(quantile * scipy.stats.sem(values)))


class Difference(NamedTuple):
    """A mean paired difference.

    Attributes:
      mean: Mean of the differences.
      half_width: Half-width of its confidence interval; None for a single pair.
      p: Two-sided p-value of the hypothesis of no difference; 1 if there is nothing to test, and that of the sign test
        if all pairs differ by the same value.
    """

    mean: float
    half_width: float | None
    p: float


def paired_difference(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Difference:
    """Student's paired t test of `first - second`, with the matching confidence interval.

    Training runs with the same seed share their initial weights and the order of their examples, so a seed affects both
    in much the same way, and the difference varies much less than its terms. Over some 20 seeds, its mean is close to
    normal whatever the distribution of the rewards, so the t test is as good as any; unlike rank tests, it comes with
    an interval in units of the reward.

    Args:
      first: One value per seed.
      second: The values to subtract, for the same seeds in the same order.
      confidence: Confidence level of the interval.

    Raises:
      ValueError: The two differ in length or are empty.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"Both need one value per seed. Received: {len(first)} and {len(second)} values")
    differences = np.subtract(first, second)
    mean, half_width = mean_interval(differences.tolist(), confidence)
    if half_width is None:
        return Difference(mean, None, 1.0)
    if np.ptp(differences) == 0.0:  # t is 0 / 0, or infinite. Few equal values are likely if accuracies are compared.
        return Difference(mean, 0.0, 1.0 if mean == 0.0 else 2.0 ** (1 - len(first)))
    import scipy.stats

    return Difference(mean, half_width, float(scipy.stats.ttest_rel(first, second).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p-values that can be compared with a significance level however many tests were made.

    References:
      Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for place, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted.tolist()


class BestOf(NamedTuple):
    """The best of n rules of random search, for each n.

    Attributes:
      counts: n, at most the number of samples.
      expected: Expected best reward.
      low: Reward that 95% of random searches of n rules reach or exceed.
      high: Reward that 5% of them reach or exceed.
    """

    counts: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray


def best_of(rewards: Sequence[float], max_points: int = 200) -> BestOf:
    """Expected reward of the best of n random rules.

    The expectation is the mean over all subsets of the samples of size n, an unbiased estimate. The band spans the 5%
    and 95% quantiles of the best of n draws from the samples' own distribution.

    Args:
      rewards: Rewards of N random rules.
      max_points: Maximum number of values of n, evenly spread over 1..N.
    """
    ordered = np.sort(np.asarray(rewards, float))
    total = len(ordered)
    counts = np.unique(np.linspace(1, total, min(total, max_points)).round().astype(int))
    rank = np.arange(1, total + 1)
    expected: list[float] = []
    low: list[float] = []
    high: list[float] = []
    for count in counts:
        # Share of all subsets whose best has this rank: C(rank - 1, n - 1) / C(N, n).
        share = np.exp(_log_binomial(rank - 1, count - 1) - _log_binomial(np.array(total), count))
        expected.append(float(share @ ordered))
        for quantile, values in ((0.05, low), (0.95, high)):
            index = int(np.ceil(total * quantile ** (1 / count))) - 1
            values.append(float(ordered[min(max(index, 0), total - 1)]))
    return BestOf(counts, np.array(expected), np.array(low), np.array(high))


def _log_binomial(n: np.ndarray, k: int) -> np.ndarray:
    """Logarithm of the binomial coefficient; -infinity where k > n."""
    import scipy.special

    possible = n >= k
    at = np.where(possible, n, k)
    value = scipy.special.gammaln(at + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(at - k + 1)
    return np.where(possible, value, -np.inf)


def running_mean(values: Sequence[float], window: int) -> np.ndarray:
    """Mean of the last `window` values at each position, or of fewer at the start."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
