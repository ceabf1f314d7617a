import itertools
import math

import numpy as np
import pytest
import scipy.stats

from nos_tf.common import statistics

REWARDS = [0.0, 0.0, 0.1, 0.35, 0.4, 0.4, 0.9]


@pytest.mark.parametrize("count", range(1, len(REWARDS) + 1))
def test_expected_best_is_the_mean_over_all_subsets(count: int) -> None:
    best = statistics.best_of(REWARDS)
    bests = [max(subset) for subset in itertools.combinations(REWARDS, count)]
    assert best.counts[count - 1] == count
    assert best.expected[count - 1] == pytest.approx(sum(bests) / len(bests), abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_band_gives_the_quantiles_of_the_best_of_independent_draws(count: int) -> None:
    best = statistics.best_of(REWARDS)
    bests = sorted(max(draws) for draws in itertools.product(REWARDS, repeat=count))
    for quantile, found in ((0.05, best.low), (0.95, best.high)):
        assert found[count - 1] == bests[math.ceil(quantile * len(bests)) - 1]


def test_many_rewards_are_summarized_at_few_counts() -> None:
    rewards = np.random.default_rng(0).random(5_000)
    best = statistics.best_of(rewards, max_points=50)
    assert len(best.counts) == 50
    assert best.counts[0] == 1
    assert best.counts[-1] == 5_000
    # Uniform draws have an expected best of n / (n + 1).
    np.testing.assert_allclose(best.expected, best.counts / (best.counts + 1), atol=0.02)
    assert best.expected[-1] == pytest.approx(rewards.max())


def test_confidence_interval_matches_the_tables() -> None:
    interval = statistics.mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.mean == 3.0
    # t(0.975, 4) = 2.776, standard error = sqrt(2.5 / 5).
    assert interval.half_width == pytest.approx(2.776 * math.sqrt(0.5), rel=1e-3)
    assert statistics.mean_interval([0.25]) == (0.25, None)


def test_paired_difference_by_hand() -> None:
    # Differences 1, 2, 3, 2: mean 2, variance 2/3, standard error sqrt(1/6), t = 2 sqrt(6) on 3 degrees of freedom.
    found = statistics.paired_difference([5.0, 4.0, 3.0, 9.0], [4.0, 2.0, 0.0, 7.0])
    assert found.mean == pytest.approx(2.0)
    assert found.half_width == pytest.approx(3.182446 * math.sqrt(1 / 6), rel=1e-6)  # t(0.975, 3) from the tables.
    # The distribution function of t with 3 degrees of freedom is elementary.
    x = 2 * math.sqrt(6) / math.sqrt(3)
    below = 0.5 + (x / (1 + x * x) + math.atan(x)) / math.pi
    assert found.p == pytest.approx(2 * (1 - below), rel=1e-9)


def test_equal_differences_have_the_p_value_of_a_sign_test() -> None:
    assert statistics.paired_difference([0.75, 0.5, 1.0], [0.5, 0.25, 0.75]) == (0.25, 0.0, 0.25)


@pytest.mark.parametrize("seed", range(5))
def test_paired_difference_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=20)
    first, second = common + rng.normal(0.3, 0.2, 20), common + rng.normal(0.1, 0.3, 20)
    found = statistics.paired_difference(first.tolist(), second.tolist(), confidence=0.9)
    expected = scipy.stats.ttest_1samp(first - second, 0.0)
    interval = expected.confidence_interval(0.9)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.mean - found.half_width == pytest.approx(interval.low)
    assert found.mean + found.half_width == pytest.approx(interval.high)
    opposite = statistics.paired_difference(second.tolist(), first.tolist(), confidence=0.9)
    assert opposite == pytest.approx((-found.mean, found.half_width, found.p))


def test_paired_difference_of_degenerate_samples() -> None:
    assert statistics.paired_difference([0.5], [0.25]) == (0.25, None, 1.0)
    assert statistics.paired_difference([0.5, 0.25], [0.5, 0.25]) == (0.0, 0.0, 1.0)
    assert statistics.paired_difference([0.75, 0.5], [0.5, 0.25]) == (0.25, 0.0, 0.5)
    with pytest.raises(ValueError, match=r"Received: 2 and 1 values$"):
        statistics.paired_difference([0.5, 0.25], [0.5])
    with pytest.raises(ValueError, match=r"Received: 0 and 0 values$"):
        statistics.paired_difference([], [])


def test_false_alarm_rate_is_the_significance_level() -> None:
    rng = np.random.default_rng(0)
    alarms = [statistics.paired_difference(*rng.normal(size=(2, 20)).tolist()).p < 0.05 for _ in range(2_000)]
    assert 0.035 < np.mean(alarms) < 0.065


def test_holm_by_hand() -> None:
    # Sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2 (not below the previous one), 0.2 * 1.
    assert statistics.holm([0.03, 0.2, 0.01, 0.02]) == pytest.approx([0.06, 0.2, 0.04, 0.06])
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([]) == []


@pytest.mark.parametrize("seed", range(20))
def test_holm_is_the_closed_test_by_bonferroni(seed: int) -> None:
    """A hypothesis is rejected if all sets that contain it are: its p-value is the largest of theirs."""
    rng = np.random.default_rng(seed)
    p_values = (rng.random(5) ** 3).round(2).tolist()  # Rounded, so that some are equal.
    for index, found in enumerate(statistics.holm(p_values)):
        sets = [chosen for size in range(1, 6) for chosen in itertools.combinations(range(5), size) if index in chosen]
        expected = max(min(1.0, len(chosen) * min(p_values[one] for one in chosen)) for chosen in sets)
        assert found == pytest.approx(expected)


def test_running_mean() -> None:
    np.testing.assert_allclose(statistics.running_mean([2, 4, 6, 8], 2), [2, 3, 5, 7])
    np.testing.assert_allclose(statistics.running_mean([2, 4], 9), [2, 3])
