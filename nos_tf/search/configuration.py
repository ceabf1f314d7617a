"""Configuration of a run, with fields named like their flags, and the fields that may change on resume."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

import numpy as np

from nos_tf.common.errors import RunError
from nos_tf.dsl import SearchSpace
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search import race
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.trial import RANDOM

# Fields that affect the speed or length of a run or the location of its data, but none of its trials.
CHANGEABLE = (
    "trials", "workers", "executor", "ray_address", "worker_cpus", "worker_gpus", "trial_timeout", "data_dir",
)  # fmt: skip


BATCH_SIZE = 8  # Default number of rules per update of the searcher.


class Purpose(enum.IntEnum):
    """What seeds are derived for. No two purposes share a seed, and a purpose with stages takes one number for each."""

    TRIALS = 0
    SEARCHERS = 1
    RACE = 2  # Six stages.
    DISCOVERY_CONFIRMATION = 99
    DISCOVERY_RACE = 100
    DISCOVERY_JUDGING = 101  # Four stages.
    COMPARED_RACE = 200
    COMPARED_CONFIRMATION = 201


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Configuration of a run.

    Attributes:
      task: Name of the task.
      task_module: Module that registers the task, if it is not part of the package.
      data_dir: Folder of the prepared datasets.
      seed: Random seed; determines every trial of the run.
      searcher: Name of the searcher.
      searcher_settings: Settings of the searcher, by name; missing ones keep their defaults.
      trials: Number of distinct rules to evaluate, including the random reference.
      random_trials: Number of trials spent on uniform random search, the reference.
      batch_size: Number of rules per update of the searcher.
      space: Search space of rules.
      protocol: How a rule is rewarded.
      confirmation_seeds: Number of further seeds with which promising rules are confirmed during the search.
      test_seeds: Seeds for testing each finalist and baseline on test data; doubled if the result is undecided.
      in_flight: Number of rules in training at once while the searcher keeps proposing; None to learn from each batch
        before the next.
      executor: "in_process", "processes" or "ray".
      workers: Number of workers; None for as many as fit on a Ray cluster.
      ray_address: "local", "auto", or HOST:PORT of the head of a Ray cluster.
      worker_cpus: CPU cores per worker on a Ray node.
      worker_gpus: GPUs per worker on a Ray node; may be a fraction.
      trial_timeout: Seconds after which a worker counts as hung.
    """

    task: str
    searcher: str
    trials: int
    random_trials: int
    batch_size: int
    space: SearchSpace
    seed: int = 0
    task_module: str | None = None
    data_dir: str | None = None
    searcher_settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    confirmation_seeds: int = 2
    test_seeds: int = 20
    in_flight: int | None = None
    executor: str = "in_process"
    workers: int | None = 1
    ray_address: str = "local"
    worker_cpus: float = 1.0
    worker_gpus: float = 0.0
    trial_timeout: float = 600.0

    def __post_init__(self) -> None:
        if self.space.size < self.trials:
            raise RunError(
                f"The search space holds {self.space.size} rules, fewer than the requested trials; "
                f"lower trials or add primitives. Received: trials={self.trials}"
            )
        if self.random_trials > self.trials:
            raise RunError(
                "The random reference is part of the trials; lower random_trials or raise trials. "
                f"Received: random_trials={self.random_trials}, trials={self.trials}"
            )

    @property
    def setup(self) -> EvaluatorSetup:
        """Description from which a process builds the evaluator."""
        return EvaluatorSetup(self.task, self.protocol, self.task_module, self.data_dir)

    @property
    def stages(self) -> dict[str, int]:
        """Number of trials of each searcher, in order; the random reference runs first."""
        if self.searcher == RANDOM:
            return {RANDOM: self.trials}
        return {RANDOM: self.random_trials, self.searcher: self.trials - self.random_trials}

    @property
    def training_seeds(self) -> list[int]:
        """Seed of every trial's training, then those with which promising rules are confirmed.

        All rules start from the same weights and see the same data order. The score on a suite is a mean over tasks
        already, and is not confirmed.
        """
        further = 0 if self.setup.is_suite else self.confirmation_seeds
        return derived_seeds(self.seed, Purpose.TRIALS, 1 + further)

    def searcher_seed(self, source: str) -> int:
        """Seed of the random reference or the searcher."""
        return derived_seeds(self.seed, Purpose.SEARCHERS, 2)[source != RANDOM]

    def fresh_seeds(self, stage: str, count: int) -> list[int]:
        """Seeds for a stage of the race, used by no trial and no other stage."""
        return derived_seeds(self.seed, Purpose.RACE + race.STAGES.index(stage), count)


def derived_seeds(seed: int, purpose: int, count: int) -> list[int]:
    """Seeds derived from another; they differ between purposes, and a larger count keeps the first ones."""
    return [int(word) >> 1 for word in np.random.SeedSequence([seed, purpose]).generate_state(count)]


def differences(stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Names of the given values that would change the trials of the stored run."""
    return [name for name, value in given.items() if name not in CHANGEABLE and stored.get(name) != value]
