import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest

from nos_tf.evaluation.result import DIVERGED, TRAINED, UNTRAINED, Evaluation
from nos_tf.search.confirmation import Confirmation


def baseline(*rewards: float) -> Evaluation:
    return Evaluation(float(np.mean(rewards)), TRAINED, 0.1, seed_rewards=rewards)


def training(rewards: dict[int, float]) -> Callable[[float, int], Evaluation]:
    def train(learning_rate: float, seed: int) -> Evaluation:
        assert learning_rate == 0.1
        return Evaluation(rewards[seed], TRAINED, learning_rate, seconds=2.0, steps=10)

    return train


def untrainable(learning_rate: float, seed: int) -> Evaluation:
    raise AssertionError("This rule must not be trained again.")


def test_bar_and_shift_worked_out_by_hand() -> None:
    # Means over seeds 0.7, 0.8, 0.9 are 0.1 apart; the first baseline deviates by +-0.01 with the last two seeds, and
    # the second by -+0.01, so the residuals are (0, 0.01, -0.01) and (0, -0.01, 0.01) with (2 - 1) * 2 degrees of
    # freedom: a standard deviation of sqrt(4e-4 / 2).
    found = Confirmation.from_baselines([5, 6], [baseline(0.75, 0.86, 0.94), baseline(0.65, 0.74, 0.86)])
    assert found is not None
    assert found.seeds == (5, 6)
    assert found.shift == pytest.approx(0.1)
    assert found.bar == pytest.approx(0.75 - 2 * 0.0002**0.5)


def test_baselines_without_all_seeds_do_not_count() -> None:
    incomplete = [Evaluation(0.9, TRAINED, 0.1), Evaluation(0.0, DIVERGED), baseline(0.9, 0.9)]
    both = [baseline(0.75, 0.86, 0.94), baseline(0.65, 0.74, 0.86)]
    assert Confirmation.from_baselines([5, 6], [*incomplete, *both]) == Confirmation.from_baselines([5, 6], both)
    assert Confirmation.from_baselines([5, 6], [*incomplete, both[0]]) is None
    assert Confirmation.from_baselines([], [Evaluation(0.9, TRAINED, 0.1)] * 3) is None


def test_promising_rules_get_the_mean_over_all_seeds() -> None:
    evaluation = Evaluation(0.8, TRAINED, 0.1, accuracy=0.9, seconds=1.0, steps=40)
    confirmed = Confirmation((5, 6), bar=0.8, shift=0.5).confirm(evaluation, training({5: 0.6, 6: 0.1}))
    assert confirmed == dataclasses.replace(evaluation, reward=0.5, seed_rewards=(0.8, 0.6, 0.1), seconds=5.0, steps=60)
    assert Evaluation.from_json(json.loads(json.dumps(confirmed.to_json()))) == confirmed


@pytest.mark.parametrize(("reward", "shift", "expected"), [(0.5, 0.1, 0.6), (0.5, -0.1, 0.4), (0.05, -0.1, 0.0)])
def test_other_rules_are_only_shifted(reward: float, shift: float, expected: float) -> None:
    evaluation = Evaluation(reward, TRAINED, 0.1)
    result = Confirmation((5, 6), bar=0.51, shift=shift).confirm(evaluation, untrainable)
    assert result.reward == pytest.approx(expected)
    assert result.seed_rewards == ()


@pytest.mark.parametrize("status", [DIVERGED, UNTRAINED])
def test_rules_that_did_not_train_keep_their_reward(status: str) -> None:
    evaluation = Evaluation(0.1, status, 0.1)
    assert Confirmation((5,), bar=0.0, shift=0.2).confirm(evaluation, untrainable) == evaluation


def test_a_shifted_reward_is_at_most_1() -> None:
    assert Confirmation((5,), 1.0, 0.3).confirm(Evaluation(0.9, TRAINED, 0.1), untrainable).reward == 1.0
