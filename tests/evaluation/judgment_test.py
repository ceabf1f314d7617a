"""Equivalence classes of rules by two kinds of keys."""

from __future__ import annotations

import numpy as np
import pytest

import nos_tf
from nos_tf.evaluation.judgment import Judgment, classes, judge


def by_hand(judged: list[Judgment]) -> list[int]:
    """Merges sets until nothing changes."""
    sets = [{index} for index in range(len(judged))]
    for _ in judged:
        for first in range(len(judged)):
            for second in range(first):
                one, other = judged[first], judged[second]
                if one.key == other.key or one.fingerprint == other.fingerprint:
                    union = sets[first] | sets[second]
                    for index in union:
                        sets[index] = union
    firsts = sorted({min(one) for one in sets})
    return [firsts.index(min(one)) for one in sets]


@pytest.mark.parametrize("seed", range(5))
def test_classes_are_those_of_merging_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    judged = [Judgment(str(rng.integers(12)), str(rng.integers(14)), None) for _ in range(15)]
    assert classes(judged).tolist() == by_hand(judged)


def test_algebra_and_behavior_both_merge() -> None:
    rules = ["sign(adam)", "adam", "sign(m)", "2 * sign(m)", "m * g", "g * m", "-adam"]
    judged = judge([nos_tf.parse(rule) for rule in rules])
    assert classes(judged).tolist() == [0, 1, 0, 0, 2, 2, 3]
    assert [one.reason is None for one in judged] == [True] * 4 + [False] * 3
