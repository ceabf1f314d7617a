"""How a program is rewarded: a learning-rate sweep of short trainings, then one longer run at the best rate.

Source: Bello et al. (2017), section 5.1: rates 1e-5 ... 1e1 of one epoch each, then 5 epochs at the best one, rewarded
by the final accuracy. The defaults here differ where that makes the reward of a small child more reliable
(docs/results/reward_study.md).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from nos_tf.errors import unknown
from nos_tf.evaluation.result import EpochResult

_DECADES = tuple(10.0**exponent for exponent in range(-5, 2))


def final_accuracy(history: Sequence[EpochResult]) -> float:
    """Validation accuracy after the last epoch: the paper's reward."""
    return history[-1].accuracy


def mean_accuracy(history: Sequence[EpochResult]) -> float:
    """Mean validation accuracy of all epochs: the area under the learning curve."""
    return sum(epoch.accuracy for epoch in history) / len(history)


def mean_likelihood(history: Sequence[EpochResult]) -> float:
    """Geometric-mean probability of the right validation label, averaged over all epochs."""
    return sum(math.exp(epoch.log_likelihood) for epoch in history) / len(history)


REWARDS: dict[str, Callable[[Sequence[EpochResult]], float]] = {
    "final_accuracy": final_accuracy,
    "mean_accuracy": mean_accuracy,
    "mean_likelihood": mean_likelihood,
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a program is evaluated.

    Attributes:
      learning_rates: Rates of the sweep.
      sweep_epochs: Epochs of each of its trainings.
      epochs: Epochs of the rewarded run; None for the task's own number.
      reward: Name of the reward, of `REWARDS`.

    Raises:
      ValueError: A number or the name of the reward is out of range.
    """

    learning_rates: tuple[float, ...] = _DECADES
    sweep_epochs: int = 1
    epochs: int | None = None
    reward: str = "mean_likelihood"

    def __post_init__(self) -> None:
        if not self.learning_rates or not all(0.0 < rate < math.inf for rate in self.learning_rates):
            raise ValueError(f"Learning rates must be positive numbers. Received: {self.learning_rates!r}")
        for name in ("sweep_epochs", "epochs"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {name}={value!r}")
        if self.reward not in REWARDS:
            raise ValueError(unknown("reward", self.reward, REWARDS))
