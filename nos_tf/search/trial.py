"""Records of a run: trials, finished batches, baselines, and trainings of the race."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import NamedTuple

from nos_tf.dsl import Program
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.evaluation.result import Evaluation

# Named rules with a title; they run under the same protocol as the rules found.
BASELINES: Mapping[str, str] = {rule.title: rule.text for rule in NAMED_RULES.values() if rule.title}

RANDOM = "random"  # Source of the reference trials.

Keys = tuple[str, str]  # Canonical key and fingerprint.


class Place(NamedTuple):
    """Position of a proposal in a run; see `Trial`."""

    id: int
    source: str
    batch: int
    staleness: int = 0


@dataclasses.dataclass(frozen=True)
class Trial:
    """One proposed rule and its result.

    Attributes:
      id: Number of the proposal within the run, from 0; does not depend on the number of workers.
      source: Name of the searcher that proposed it.
      batch: Number of its batch.
      program: The rule.
      key: Canonical key of the rule.
      reward: Reward, from 0 (worst) to 1; for a duplicate, that of the earlier trial.
      evaluation: Result of its training; None for a duplicate.
      duplicate_of: `id` of the earlier trial whose rule is equal by either key, or None.
      created: Time in seconds since the epoch.
      fingerprint: Fingerprint of the rule's behavior.
      staleness: Number of searcher updates between its proposal and the update that learns from it.
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
        """Creates the trial of a rule that was trained."""
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
        """Creates the trial of a rule that equals that of an evaluated trial."""
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
    """A proposed rule without a result yet, in asynchronous search.

    Attributes:
      id: `id` of its future trial.
      source: Name of the searcher that proposed it.
      batch: Number of the next batch to learn from at the time of the proposal.
      program: The rule.
      log_probs: Log-probabilities of its tokens under the policy that proposed it, in nats; empty without a policy.
    """

    id: int
    source: str
    batch: int
    program: Program
    log_probs: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Batch:
    """A finished batch, with the searcher's metrics after learning from it."""

    number: int
    source: str
    metrics: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A known optimizer, evaluated like a trial."""

    name: str
    program: Program
    evaluation: Evaluation


@dataclasses.dataclass(frozen=True)
class Training:
    """A training of a rule after the search.

    Attributes:
      stage: One of the stages in `nos_tf.search.race`.
      program: The rule.
      seed: Seed that no trial used.
      learning_rate: Learning rate.
      evaluation: Result.
    """

    stage: str
    program: Program
    seed: int
    learning_rate: float
    evaluation: Evaluation
