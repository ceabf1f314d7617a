import itertools
import math

import numpy as np
import pytest

from nos_tf import statistics

REWARDS = [0.0, 0.0, 0.1, 0.35, 0.4, 0.4, 0.9]


@pytest.mark.parametrize("count", range(1, len(REWARDS) + 1))
def test_expected_best_is_the_mean_over_all_subsets(count: int) -> None:
    best = statistics.best_of(REWARDS)
    bests = [max(subset) for subset in itertools.combinations(REWARDS, count)]
    assert best.counts[count - 1] == count
    assert best.expected[count - 1] == pytest.approx(sum(bests) / len(bests), abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_band_holds_the_quantiles_of_the_best_of_independent_draws(count: int) -> None:
    best = statistics.best_of(REWARDS)
    bests = sorted(max(draws) for draws in itertools.product(REWARDS, repeat=count))
    for quantile, found in ((0.05, best.low), (0.95, best.high)):
        assert found[count - 1] == bests[math.ceil(quantile * len(bests)) - 1]


def test_many_rewards_are_summarised_at_few_counts() -> None:
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


def test_running_mean() -> None:
    np.testing.assert_allclose(statistics.running_mean([2, 4, 6, 8], 2), [2, 3, 5, 7])
    np.testing.assert_allclose(statistics.running_mean([2, 4], 9), [2, 3])
