"""The choice of rates, over rewards that are known functions of the rate."""

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
    # The half decade of -2.5 is the best, and of the quarters beside it -2.5 is still nearer than -2.75.
    expected = [[-5, -4, -3, -2, -1, 0, 1], [-3.5, -2.5], [-2.75, -2.25]]
    assert [[round(math.log10(rate), 6) for rate in rates] for rates in asked] == expected


def test_goes_on_past_an_end_until_it_gets_worse():
    _, asked = _sweep(_peak(10.0**2.2))
    assert asked[1:3] == [[100.0], [1000.0]]


def test_goes_no_further_than_it_may():
    scores, _ = _sweep(lambda rate: rate, extensions=3, refinements=0)
    assert max(scores) == 1e4


def test_rates_that_are_out_of_the_question_are_never_the_best():
    scores, _ = _sweep(lambda rate: -rate if rate < 1e-3 else -math.inf)
    assert best_rate(scores) < 1e-5
    assert [rate for rate, score in scores.items() if score == -math.inf] == [1e-3, 1e-2, 1e-1, 1.0, 10.0]


def test_nothing_more_is_tried_where_no_rate_is_finite():
    scores, asked = _sweep(lambda rate: -math.inf)
    assert asked == [DECADES]
    assert list(scores) == DECADES


def test_a_plain_list_is_tried_alone_and_in_its_order():
    scores, asked = _sweep(lambda rate: rate, rates=[0.3, 0.1], extensions=0, refinements=0)
    assert asked == [[0.3, 0.1]]
    assert list(scores) == [0.3, 0.1]


def test_of_equal_scores_the_first_counts():
    assert best_rate({0.1: 0.5, 0.01: 0.5}) == 0.1
