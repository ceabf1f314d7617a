"""What a run records: trials, finished batches, baselines, and the trainings after the search."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import NamedTuple

from nos_tf.dsl import Program
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.evaluation.result import Evaluation

# The rules that have a name for people; all are run by the same protocol as the found rules.
BASELINES: Mapping[str, str] = {rule.title: rule.text for rule in NAMED_RULES.values() if rule.title}

RANDOM = "random"  # Source of the trials that everything else is compared with.

Keys = tuple[str, str]  # Canonical key and fingerprint.


class Place(NamedTuple):
    """Where a proposal belongs in a run; see `Trial`."""

    id: int
    source: str
    batch: int
    staleness: int = 0


@dataclasses.dataclass(frozen=True)
class Trial:
    """One proposed rule and what became of it.

    Attributes:
      id: Number of the proposal within the run, from 0; the same whatever the number of workers.
      source: Name of the searcher that proposed it.
      batch: Batch of the run that it belongs to.
      program: The rule.
      key: Its canonical key.
      reward: Reward, from 0 (worst) to 1; the earlier trial's for a duplicate.
      evaluation: Result of its training; none for a duplicate.
      duplicate_of: `id` of the earlier trial of a rule that is equal by either key, if there is one.
      created: Seconds since the epoch.
      fingerprint: Fingerprint of what the rule does.
      staleness: Updates of the searcher between its proposal and the one that learns from it.
    """

    id: int
    source: str
    batch: int
    program: Program
    key: str
    reward: float
    evaluation: Evaluation | None
    duplicate_of: int | None = None
    created: float = dataclasses.field(default_factory=time.time)
    fingerprint: str = ""
    staleness: int = 0

    @classmethod
    def evaluated(cls, place: Place, program: Program, keys: Keys, evaluation: Evaluation) -> Trial:
        """A rule that was trained."""
        key, fingerprint = keys
        return cls(
            **place._asdict(),
            program=program,
            key=key,
            fingerprint=fingerprint,
            reward=evaluation.reward,
            evaluation=evaluation,
        )

    @classmethod
    def duplicate(cls, place: Place, program: Program, keys: Keys, known: Trial) -> Trial:
        """A rule that equals that of an evaluated trial."""
        key, fingerprint = keys
        return cls(
            **place._asdict(),
            program=program,
            key=key,
            fingerprint=fingerprint,
            reward=known.reward,
            evaluation=None,
            duplicate_of=known.id,
        )

    @property
    def status(self) -> str:
        return "duplicate" if self.evaluation is None else self.evaluation.status

    @property
    def learning_rate(self) -> float | None:
        return None if self.evaluation is None else self.evaluation.learning_rate


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A rule that was sent out while the searcher goes on.

    Attributes:
      id: That of the trial which it becomes.
      source: Name of the searcher that proposed it.
      batch: The batch that was yet to be learned from when it was proposed.
      program: The rule.
      log_probs: Log-probabilities of its tokens under the policy that it was drawn from, in nats; empty without one.
    """

    id: int
    source: str
    batch: int
    program: Program
    log_probs: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Batch:
    """A finished batch: the searcher's own figures after it learned from its rewards."""

    number: int
    source: str
    metrics: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A known optimizer, evaluated as every trial is."""

    name: str
    program: Program
    evaluation: Evaluation


@dataclasses.dataclass(frozen=True)
class Training:
    """A rule trained once more after the search.

    Attributes:
      stage: What for; one of `nos_tf.search.race`'s stages.
      program: The rule.
      seed: A seed that no trial had.
      learning_rate: Its learning rate.
      evaluation: Its result.
    """

    stage: str
    program: Program
    seed: int
    learning_rate: float
    evaluation: Evaluation
