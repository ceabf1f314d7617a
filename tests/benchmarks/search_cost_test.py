"""Replayed trainings, with a fake trainer that records its requests."""

import numpy as np
import pytest

from benchmarks.search_cost import Replay, agreement
from nos_tf.dsl import parse

RULE = parse("g")


class CountingTrainer:
    """A fake trainer whose losses depend on the steps trained, and whose state is the list of these."""

    steps_per_epoch = 10

    def __init__(self):
        self.made = []
        self.all_steps = 0

    def reset(self, seed):
        self.path = ()

    def restore(self, state):
        self.path = state

    def state(self):
        return self.path

    def train(self, program, rate, epoch, steps, total_epochs, seed):
        self.path = (*self.path, (rate, epoch, steps))
        self.made.append(self.path[-1])
        self.all_steps += len(steps)
        return float(sum(steps))

    def calibrate(self, epoch, seed):
        pass

    def score(self, split):
        return self.path


def _train(replay, rate, epoch, steps):
    return replay.train(RULE, rate, epoch, steps, 2, seed=0)


def test_cached_trainings_are_charged_again_but_not_run_again():
    trainer = CountingTrainer()
    replay = Replay(trainer, mark=3)
    replay.reset(0)
    assert _train(replay, 0.1, 0, range(10)) == 45.0
    assert _train(replay, 0.1, 1, range(10)) == 45.0
    score = replay.score("validation")
    replay.reset(0)
    assert _train(replay, 0.1, 0, range(3)) == 3.0
    state = replay.state()
    replay.reset(0)
    _train(replay, 1.0, 0, range(3))
    replay.restore(state)
    _train(replay, 0.1, 0, range(3, 10))
    _train(replay, 0.1, 1, range(10))
    assert replay.score("validation") == score
    first = [(0.1, epoch, steps) for epoch in (0, 1) for steps in (range(3), range(3, 10))]
    assert trainer.made == [*first, (1.0, 0, range(3))]
    assert replay.all_steps == 20 + 3 + 3 + 17


def test_agreement_of_rankings():
    plain = np.arange(100.0)
    assert agreement(plain, plain) == pytest.approx(
        {"Spearman": 1.0, "Spearman in the best fifth": 1.0, "share of the top 1 % lost": 0.0}
    )
    worse = plain.copy()
    worse[99] = -1.0
    assert agreement(plain, worse)["share of the top 1 % lost"] == 1.0
