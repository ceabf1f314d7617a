"""What an evaluation returns, as plain data that can be stored as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

TRAINED = "trained"
UNTRAINED = "untrained"  # The best learning rate of the sweep is at chance, so the longer run was skipped.
DIVERGED = "diverged"  # NaN or infinity, in the run or at every learning rate of the sweep.
SCREENED = "screened"  # Cannot learn at any learning rate; not trained at all.
FAILED = "failed"  # The evaluation itself failed, for example because a worker died.
STATUSES = (TRAINED, UNTRAINED, DIVERGED, SCREENED, FAILED)


@dataclasses.dataclass(frozen=True)
class EpochResult:
    """The child after one epoch, measured on the split that the run is scored on.

    Attributes:
      loss: Mean training loss over the epoch, in nats; None if it was not finite.
      accuracy: Accuracy, 0 to 1; for a regression, the explained variance.
      log_likelihood: Mean log-probability of the correct label, in nats; for a regression, the negative loss.
    """

    loss: float | None
    accuracy: float
    log_likelihood: float


@dataclasses.dataclass(frozen=True)
class SweepPoint:
    """One learning rate of the sweep.

    Attributes:
      learning_rate: The rate.
      score: Reward of its short run, 0 to 1; 0 if it diverged; None if it was dropped before it had a reward.
    """

    learning_rate: float
    score: float | None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A rule's reward and how it was obtained.

    Attributes:
      reward: 0 (worst) to 1.
      status: One of `STATUSES`.
      learning_rate: Best learning rate of the sweep; None if there is none.
      accuracy: Accuracy after the last epoch; None if it was not reached.
      sweep: Every learning rate that was tried.
      history: Every finished epoch of the run.
      seconds: Time taken.
      steps: Number of training steps, including those of the sweep.
      message: What went wrong, if anything.
      seed_rewards: Rewards with each seed if it was confirmed with further ones; `reward` is then their mean.
      parts: The evaluation on each task by name, if the reward is a score over several; it may then exceed 1.
    """

    reward: float
    status: str
    learning_rate: float | None = None
    accuracy: float | None = None
    sweep: tuple[SweepPoint, ...] = ()
    history: tuple[EpochResult, ...] = ()
    seconds: float = 0.0
    steps: int = 0
    message: str = ""
    seed_rewards: tuple[float, ...] = ()
    parts: Mapping[str, Evaluation] = dataclasses.field(default_factory=dict)

    def replace(self, **changes: Any) -> Evaluation:
        """A copy with some attributes changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The evaluation as plain dictionaries, lists and numbers."""
        values = dataclasses.asdict(self)
        # Most evaluations have neither, and files without these fields are still read.
        return {name: value for name, value in values.items() if value or name not in ("seed_rewards", "parts")}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Evaluation:
        """The inverse of `to_json`."""
        return cls(
            **{
                **values,
                "sweep": tuple(SweepPoint(**point) for point in values["sweep"]),
                "history": tuple(EpochResult(**epoch) for epoch in values["history"]),
                "seed_rewards": tuple(values.get("seed_rewards", ())),
                "parts": {name: cls.from_json(part) for name, part in values.get("parts", {}).items()},
            }
        )
