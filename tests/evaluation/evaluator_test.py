"""The protocol, with a fake trainer whose learning curves are known."""

import dataclasses
import math
from typing import ClassVar

import pytest

from nos_tf.dsl import parse
from nos_tf.evaluation import Protocol, result
from nos_tf.evaluation import evaluator as evaluator_module
from nos_tf.evaluation.evaluator import Evaluator
from nos_tf.evaluation.trainer import Score
from nos_tf.tasks.task import Task

TASK = Task("stand-in", "nothing", lambda data_dir: None, lambda: None, epochs=4, test_epochs=5)
RULE = parse("g")


class StandInTrainer:
    """A trainer with given accuracies by learning rate, one per epoch of ten steps.

    None is a divergence in training, and a negative value one in scoring.
    """

    curves: ClassVar[dict[float, list[float | None]]] = {}
    steps_per_epoch = 10

    def __init__(self, task, data_dir):
        self.trained = []
        self.scored = []
        self.all_steps = 0

    def chance(self, deviations):
        return 0.2

    def reset(self, seed):
        self.rate, self.place = None, 0

    def state(self):
        return self.rate, self.place

    def restore(self, state):
        self.rate, self.place = state

    def train(self, program, rate, epoch, steps, total_epochs, seed):
        assert self.place == epoch * self.steps_per_epoch + steps.start
        assert self.rate in (rate, None)
        self.all_steps += len(steps)
        self.rate, self.place = rate, epoch * self.steps_per_epoch + steps.stop
        self.trained.append((rate, epoch, steps, total_epochs))
        accuracy = self.curves[rate][epoch]
        return None if accuracy is None else -math.log(abs(accuracy)) * len(steps)

    def calibrate(self, epoch, seed):
        assert self.place == (epoch + 1) * self.steps_per_epoch

    def score(self, split):
        self.scored.append(split)
        accuracy = self.curves[self.rate][self.place // self.steps_per_epoch - 1]
        if split == "test":
            return Score(accuracy / 2, math.log(accuracy / 2))
        return Score(accuracy, math.log(accuracy) if accuracy >= 0 else math.nan)


EPOCH = range(10)


@pytest.fixture
def make(monkeypatch):
    monkeypatch.setattr(evaluator_module, "Trainer", StandInTrainer)

    def build(curves, task=TASK, **protocol):
        monkeypatch.setattr(StandInTrainer, "curves", curves)
        settings = {"learning_rates": tuple(curves), "extensions": 0, "refinements": 0, "hurdle": 0.0, "finalists": 1}
        settings["reward"] = "final_accuracy"
        return Evaluator(task, Protocol(**settings | protocol))

    return build


def test_every_training_starts_from_the_given_seed(make, monkeypatch):
    seeds, plain = set(), StandInTrainer.reset
    monkeypatch.setattr(StandInTrainer, "reset", lambda self, seed: seeds.add(seed) or plain(self, seed))
    evaluator = make({0.1: [0.5] * 5})
    evaluator.evaluate(RULE, seed=7)
    evaluator.train(RULE, 0.1, seed=8)
    assert seeds == {7, 8}
    evaluator.histories(RULE, 1, seed=9)
    assert seeds == {7, 8, 9}


def test_the_best_rate_of_the_sweep_is_trained_to_the_end(make):
    evaluator = make({0.1: [0.4, 0.5, 0.6, 0.7], 1.0: [0.5, 0.55, 0.6, 0.65], 10.0: [None]})
    evaluation = evaluator.evaluate(RULE)
    assert evaluation.status == result.TRAINED
    assert evaluation.learning_rate == 1.0
    assert evaluation.reward == evaluation.accuracy == 0.65
    assert [(point.learning_rate, point.score) for point in evaluation.sweep] == [(0.1, 0.4), (1.0, 0.5), (10.0, 0.0)]
    assert [epoch.accuracy for epoch in evaluation.history] == [0.5, 0.55, 0.6, 0.65]
    # The best rate's training is continued, not repeated.
    first = [(rate, 0, EPOCH, 4) for rate in (0.1, 1.0, 10.0)]
    assert evaluator.trainer.trained == [*first, *((1.0, epoch, EPOCH, 4) for epoch in range(1, 4))]


def test_a_sweep_of_full_trainings_is_not_continued(make):
    evaluator = make({0.1: [0.4, 0.5, 0.6, 0.7], 1.0: [0.5, 0.55, 0.6, 0.65]}, sweep_epochs=9)
    evaluation = evaluator.evaluate(RULE)
    assert (evaluation.learning_rate, evaluation.reward) == (0.1, 0.7)
    assert len(evaluator.trainer.trained) == 8


def test_the_finalist_that_is_better_in_the_end_is_rewarded(make):
    curves = {0.1: [0.4, 0.5, 0.6, 0.7], 1.0: [0.5, 0.55, 0.6, 0.65], 10.0: [0.3, 0.9, 0.9, 0.9]}
    evaluation = make(curves, finalists=2).evaluate(RULE)
    assert (evaluation.learning_rate, evaluation.reward) == (0.1, 0.7)
    curves[0.1] = [0.4, None]
    evaluation = make(curves, finalists=2).evaluate(RULE)
    assert (evaluation.status, evaluation.learning_rate, evaluation.reward) == (result.TRAINED, 1.0, 0.65)


def test_rates_that_trail_at_the_hurdle_are_given_up(make):
    curves = {0.01: [0.3] * 4, 0.1: [0.6] * 4, 1.0: [0.5] * 4, 10.0: [None]}
    evaluator = make(curves, hurdle=0.3, leaders=2)
    evaluation = evaluator.evaluate(RULE)
    points = {point.learning_rate: point.score for point in evaluation.sweep}
    assert points == {0.01: None, 0.1: 0.6, 1.0: 0.5, 10.0: 0.0}
    assert evaluation.steps == 4 * 3 + 2 * 7 + 3 * 10
    begun = [(rate, 0, range(3), 4) for rate in curves]
    finished = [(rate, 0, range(3, 10), 4) for rate in (0.1, 1.0)]
    assert evaluator.trainer.trained == [*begun, *finished, *((0.1, epoch, EPOCH, 4) for epoch in range(1, 4))]


def test_a_hurdle_close_to_the_epochs_end_still_ranks_the_rates(make):
    curves = {0.01: [0.3] * 4, 0.1: [0.4] * 4, 1.0: [0.6] * 4}
    evaluation = make(curves, hurdle=0.97, leaders=1, sweep_epochs=2).evaluate(RULE)
    assert [(point.learning_rate, point.score) for point in evaluation.sweep] == [(0.01, None), (0.1, None), (1.0, 0.6)]
    assert evaluation.learning_rate == 1.0


def test_a_sweep_whose_best_rate_is_the_last_is_extended(make):
    curves = {rate: [0.9 - abs(math.log10(rate / 10)) / 5] * 4 for rate in (0.1, 1.0, 10.0, 100.0)}
    evaluation = make(curves, learning_rates=(0.1, 1.0), extensions=6).evaluate(RULE)
    assert [point.learning_rate for point in evaluation.sweep] == [0.1, 1.0, 10.0, 100.0]
    assert evaluation.learning_rate == 10.0


def test_losses_of_an_epoch_are_means_over_its_steps(make):
    evaluation = make({0.1: [0.4, 0.5, 0.6, 0.7]}).evaluate(RULE)
    losses = [-math.log(accuracy) for accuracy in (0.4, 0.5, 0.6, 0.7)]
    assert [epoch.loss for epoch in evaluation.history] == pytest.approx(losses)


def test_a_leader_that_diverges_after_the_hurdle_is_replaced_by_the_next(make):
    evaluation = make({0.1: [0.3] * 4, 1.0: [-0.9], 10.0: [None]}, hurdle=0.3, leaders=1).evaluate(RULE)
    assert (evaluation.status, evaluation.learning_rate) == (result.TRAINED, 0.1)
    assert [point.score for point in evaluation.sweep] == [0.3, 0.0, 0.0]


@pytest.mark.parametrize(("give_up", "trainings"), [(True, 3), (False, 7)])
def test_a_rule_that_learns_at_no_rate_is_given_up(make, give_up, trainings):
    curves = {float(f"{10.0**exponent:.10g}"): [0.15] for exponent in (0.0, -1.0, 1.0, -0.5, 0.5, -0.25, 0.25)}
    curves[1.0] = [0.2]
    evaluator = make(curves, learning_rates=(0.1, 1.0, 10.0), refinements=2, give_up=give_up)
    assert evaluator.evaluate(RULE).status == result.UNTRAINED
    assert len(evaluator.trainer.trained) == trainings


def test_a_refined_sweep_reports_every_rate(make):
    exponents = (-1.0, 0.0, 1.0, -0.5, 0.5, 0.25, 0.75)
    curves = {float(f"{10.0**exponent:.10g}"): [0.8 - abs(exponent - 0.3) / 5] * 4 for exponent in exponents}
    evaluator = make(curves, learning_rates=(0.1, 1.0, 10.0), refinements=2)
    evaluation = evaluator.evaluate(RULE)
    assert [point.learning_rate for point in evaluation.sweep] == list(curves)
    assert evaluation.learning_rate == pytest.approx(10**0.25)
    assert evaluation.reward == pytest.approx(0.79)


def test_a_rule_that_diverges_at_every_rate_gets_no_reward(make):
    evaluation = make({0.1: [None], 1.0: [None]}).evaluate(RULE)
    assert (evaluation.reward, evaluation.status, evaluation.learning_rate) == (0.0, result.DIVERGED, None)


def test_a_run_that_diverges_later_gets_no_reward(make):
    evaluation = make({0.1: [0.5, 0.6, None]}).evaluate(RULE)
    assert (evaluation.reward, evaluation.status) == (0.0, result.DIVERGED)
    assert evaluation.message == "diverged in epoch 3"


def test_a_nonfinite_likelihood_is_a_divergence(make):
    evaluation = make({0.1: [0.5, -1.0]}).evaluate(RULE)
    assert (evaluation.reward, evaluation.status) == (0.0, result.DIVERGED)


def test_a_child_at_chance_level_is_not_trained_further(make):
    evaluator = make({0.1: [0.1], 1.0: [0.2]})
    evaluation = evaluator.evaluate(RULE)
    assert (evaluation.reward, evaluation.status, evaluation.learning_rate) == (0.2, result.UNTRAINED, 1.0)
    assert len(evaluator.trainer.trained) == 2


def test_a_rule_that_cannot_learn_is_not_trained(make):
    evaluator = make({0.1: [0.5]})
    evaluation = evaluator.evaluate(parse("g**2"))
    assert (evaluation.reward, evaluation.status) == (0.0, result.SCREENED)
    assert evaluator.trainer.trained == []


def test_a_single_training_is_evaluated_on_the_requested_split(make):
    evaluator = make({0.1: [0.4, 0.5, 0.6, 0.8, 0.9, None]})
    validated = evaluator.train(RULE, 0.1, seed=3)
    assert (validated.reward, validated.accuracy, validated.status) == (0.8, 0.8, result.TRAINED)
    tested = evaluator.train(RULE, 0.1, seed=3, split="test")
    assert [epoch.accuracy for epoch in tested.history] == [0.2, 0.25, 0.3, 0.4]
    assert tested.reward == 0.4
    assert evaluator.trainer.trained == [(0.1, epoch, EPOCH, 4) for epoch in range(4)] * 2
    assert "test" not in evaluator.trainer.scored[:4]


def test_long_trainings_have_the_length_given_by_the_task(make):
    assert make({0.1: [0.4, 0.5, 0.6, 0.7, 0.75]}).train(RULE, 0.1, 0, long=True).reward == 0.75
    assert make({0.1: [0.4, 0.5, None]}).train(RULE, 0.1, 0, long=True).message == "diverged in epoch 3"


def test_long_trainings_are_five_times_as_long_by_default(make):
    evaluator = make({0.1: [0.5] * 10}, task=dataclasses.replace(TASK, test_epochs=None), epochs=2)
    evaluator.train(RULE, 0.1, 0, long=True)
    assert evaluator.trainer.trained == [(0.1, epoch, EPOCH, 10) for epoch in range(10)]


def test_no_search_reads_the_test_split(make):
    evaluator = make({0.1: [0.4, 0.5, 0.8, 0.9]})
    evaluator.evaluate(RULE)
    assert set(evaluator.trainer.scored) == {"validation"}
