"""The suite, with fake evaluators for its tasks whose rewards are known."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from nos_tf.dsl import parse
from nos_tf.evaluation import result, suite_evaluator
from nos_tf.evaluation.result import Evaluation, SweepPoint
from nos_tf.evaluation.suite_evaluator import SuiteEvaluator
from nos_tf.tasks import suite
from nos_tf.tasks.suite import Scale

RULE = parse("g")
NAMES = ("digits", "breast_cancer_mlp", "digits_mlp")


class StandIn:
    """An evaluator with given rewards by task; negative for a child that stays at chance level."""

    rewards: ClassVar[dict[str, float]] = {}

    def __init__(self, task, data_dir):
        self._name = task.name

    def evaluate(self, program, seed):
        reward = self.rewards[self._name]
        status = result.TRAINED if reward > 0.0 else result.UNTRAINED
        sweep = (SweepPoint(0.1, abs(reward)),)
        return Evaluation(abs(reward), status, 0.1 * seed, sweep=sweep, seconds=2.0, steps=100)


@pytest.fixture
def evaluate(monkeypatch):
    monkeypatch.setattr(suite_evaluator, "Evaluator", StandIn)
    monkeypatch.setattr(suite, "SCALES", {name: Scale(0.1, 0.6) for name in NAMES})

    def run(*rewards):
        monkeypatch.setattr(StandIn, "rewards", dict(zip(NAMES, rewards, strict=True)))
        return SuiteEvaluator(NAMES).evaluate(RULE, seed=7)

    return run


def test_the_reward_is_the_mean_of_all_scores_but_the_best(evaluate):
    evaluation = evaluate(0.5, 0.6, 0.35)  # On the scale: 0.8, 1 and 0.5.
    assert evaluation.reward == pytest.approx((0.8 + 0.5) / 2)
    assert (evaluation.status, evaluation.seconds, evaluation.steps) == (result.TRAINED, 6.0, 300)
    assert evaluation.learning_rate is None
    assert [part.reward for part in evaluation.parts.values()] == [0.5, 0.6, 0.35]
    assert evaluation.parts["digits_mlp"].learning_rate == pytest.approx(0.7)


def test_a_failure_on_a_later_task_is_reported_and_costs_its_share(evaluate):
    evaluation = evaluate(0.6, -0.1, 0.6)
    assert evaluation.reward == pytest.approx(0.5)
    assert evaluation.status == result.TRAINED
    assert evaluation.message == "untrained on breast_cancer_mlp"


def test_a_rule_that_fails_on_the_first_task_is_not_tried_on_the_others(evaluate):
    evaluation = evaluate(-0.2, 0.6, 0.6)
    assert evaluation.reward == 0.0  # The best score, 0.2, does not count; the others are 0.
    assert (evaluation.status, evaluation.steps) == (result.UNTRAINED, 100)
    assert list(evaluation.parts) == ["digits"]


def test_parts_survive_json(evaluate):
    evaluation = evaluate(0.5, 0.6, 0.35)
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
    assert "parts" not in evaluation.parts["digits"].to_json()


def test_a_suite_has_no_single_learning_rate(evaluate):
    with pytest.raises(ValueError, match=r"learning_rate=0\.1"):
        SuiteEvaluator(NAMES).train(RULE, 0.1, 0)
