import math

import pytest

from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import EpochResult

HISTORY = (EpochResult(1.0, 0.5, math.log(0.3)), EpochResult(0.5, 0.9, math.log(0.7)))


@pytest.mark.parametrize(
    ("name", "expected"), [("final_accuracy", 0.9), ("mean_accuracy", 0.7), ("mean_likelihood", 0.5)]
)
def test_rewards(name, expected):
    assert REWARDS[name](HISTORY) == pytest.approx(expected)


def test_the_plain_sweep_is_that_of_the_paper():
    paper = Protocol.plain()
    assert paper.learning_rates == pytest.approx((1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0))
    assert paper.extensions == paper.refinements == paper.hurdle == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rates": ()}, "positive numbers. Received: \\(\\)"),
        ({"learning_rates": (0.1, -1.0)}, "positive numbers"),
        ({"learning_rates": (math.nan,)}, "positive numbers"),
        ({"epochs": 0}, "Received: epochs=0"),
        ({"extensions": -1}, "at least 0. Received: extensions=-1"),
        ({"refinements": -1}, "at least 0. Received: refinements=-1"),
        ({"hurdle": 1.0}, r"in \[0, 1\)\. Received: hurdle=1\.0"),
        ({"finalists": 0}, "at least 1. Received: finalists=0"),
        ({"leaders": 0}, "at least 1. Received: leaders=0"),
        ({"sweep_epochs": 0}, "Received: sweep_epochs=0"),
        ({"reward": "final_acuracy"}, "did you mean 'final_accuracy'"),
    ],
)
def test_impossible_protocols_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**changes)
