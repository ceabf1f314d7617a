"""How a program is rewarded: a learning-rate sweep of short runs, then a longer run at the best rate.

Source: Bello et al. (2017), section 5.1: one epoch at each of the rates 1e-5 ... 1e1, then 5 epochs at the best one,
rewarded by the final accuracy. The defaults here differ where this makes the reward of a small child more reliable: the
sweep is refined, so that no rule suffers because its best rate lies between two rates of the grid.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from nos_tf.common.errors import unknown
from nos_tf.evaluation.result import EpochResult

DECADES = tuple(10.0**exponent for exponent in range(-5, 2))


def final_accuracy(history: Sequence[EpochResult]) -> float:
    """Validation accuracy after the last epoch: the paper's reward."""
    return history[-1].accuracy


def mean_accuracy(history: Sequence[EpochResult]) -> float:
    """Mean validation accuracy over all epochs: the area under the learning curve."""
    return sum(epoch.accuracy for epoch in history) / len(history)


def mean_likelihood(history: Sequence[EpochResult]) -> float:
    """Geometric-mean probability of the correct validation label, averaged over all epochs.

    For a task with its own loss, `exp(-loss)` instead.
    """
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
      learning_rates: Grid of the sweep.
      extensions: Maximum number of steps by which the grid grows while its best rate is at one end.
      refinements: How many times the gaps beside the best rate are halved; two turn decades into quarter decades.
      sweep_epochs: Epochs to train at each rate. These are the first epochs of a rewarded run, so the best runs are
        simply continued. Never more than `epochs`.
      hurdle: Fraction of an epoch after which a rate is dropped unless its mean training loss is among the lowest of
        the rates tried together; 0 for no hurdle.
      leaders: How many of these rates pass the hurdle.
      finalists: How many of the best rates of the sweep are trained to the end; the best of them is rewarded.
      give_up: Whether to skip the refinement if the best rate of the grid is at chance.
      epochs: Epochs of the rewarded run; None for the task's default.
      reward: Name of the reward, from `REWARDS`.

    Raises:
      ValueError: A number is out of range, or the reward is unknown.
    """

    learning_rates: tuple[float, ...] = DECADES
    extensions: int = 6
    refinements: int = 2
    sweep_epochs: int = 1
    hurdle: float = 0.3
    leaders: int = 2
    finalists: int = 2
    give_up: bool = True
    epochs: int | None = None
    reward: str = "mean_likelihood"

    def __post_init__(self) -> None:
        if not self.learning_rates or not all(0.0 < rate < math.inf for rate in self.learning_rates):
            raise ValueError(f"Learning rates must be positive numbers. Received: {self.learning_rates!r}")
        for name, low in (
            ("extensions", 0),
            ("refinements", 0),
            ("leaders", 1),
            ("finalists", 1),
            ("sweep_epochs", 1),
            ("epochs", 1),
        ):
            if (value := getattr(self, name)) is not None and value < low:
                raise ValueError(f"{name} must be at least {low}. Received: {name}={value!r}")
        if not 0.0 <= self.hurdle < 1.0:
            raise ValueError(f"hurdle must be a fraction of an epoch, in [0, 1). Received: hurdle={self.hurdle!r}")
        if self.reward not in REWARDS:
            raise ValueError(unknown("reward", self.reward, REWARDS))

    @classmethod
    def plain(cls, learning_rates: Sequence[float] = DECADES, **others: Any) -> Protocol:
        """A protocol whose sweep tries only the given rates, by default the paper's."""
        return cls(tuple(learning_rates), **{"extensions": 0, "refinements": 0, "hurdle": 0.0, "finalists": 1} | others)
