"""The choice of rates, with rewards that are known functions of the rate."""

import math

import pytest

from nos_tf.evaluation.sweep import best_rate, extend, refine

DECADES = [10.0**exponent for exponent in range(-5, 2)]


def _sweep(score, rates=DECADES, extensions=6, refinements=2):
    asked = []

    def measure(rates):
        asked.append(list(rates))
        return [score(rate) for rate in rates]

    scores = dict(zip(rates, measure(rates), strict=True))
    extend(scores, extensions, measure)
    refine(scores, refinements, measure)
    return scores, asked


def _peak(optimum):
    return lambda rate: -abs(math.log(rate / optimum))


@pytest.mark.parametrize("exponent", [-9.9, -5.3, -3.77, -3.5, -2.25, -1.0, 0.1, 0.9, 3.4])
def test_the_best_rate_is_found_within_a_factor_of_1_8(exponent):
    scores, _ = _sweep(_peak(10.0**exponent))
    assert max(best_rate(scores) / 10.0**exponent, 10.0**exponent / best_rate(scores)) < 1.8


def test_tries_decades_then_halves_then_quarters():
    _, asked = _sweep(_peak(10.0**-2.6))
    # The half decade -2.5 is the best rate, and still closer than the quarters beside it.
    expected = [[-5, -4, -3, -2, -1, 0, 1], [-3.5, -2.5], [-2.75, -2.25]]
    assert [[round(math.log10(rate), 6) for rate in rates] for rates in asked] == expected


def test_extends_past_an_end_until_the_score_gets_worse():
    _, asked = _sweep(_peak(10.0**2.2))
    assert asked[1:3] == [[100.0], [1000.0]]


def test_extends_no_further_than_allowed():
    scores, _ = _sweep(lambda rate: rate, extensions=3, refinements=0)
    assert max(scores) == 1e4


def test_infinitely_bad_rates_are_never_the_best():
    scores, _ = _sweep(lambda rate: -rate if rate < 1e-3 else -math.inf)
    assert best_rate(scores) < 1e-5
    assert [rate for rate, score in scores.items() if score == -math.inf] == [1e-3, 1e-2, 1e-1, 1.0, 10.0]


def test_no_more_rates_are_tried_if_no_score_is_finite():
    scores, asked = _sweep(lambda rate: -math.inf)
    assert asked == [DECADES]
    assert list(scores) == DECADES


def test_a_plain_list_is_tried_in_order_and_not_extended():
    scores, asked = _sweep(lambda rate: rate, rates=[0.3, 0.1], extensions=0, refinements=0)
    assert asked == [[0.3, 0.1]]
    assert list(scores) == [0.3, 0.1]


def test_the_first_of_equal_scores_wins():
    assert best_rate({0.1: 0.5, 0.01: 0.5}) == 0.1
