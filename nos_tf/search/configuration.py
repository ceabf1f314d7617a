"""What a run is asked to do, each value under the name of its flag; and what may change when it is resumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from nos_tf.dsl import SearchSpace
from nos_tf.errors import RunError
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search import race
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.trial import RANDOM

# These change how fast a run goes, how far, or where its data lie, but none of its trials.
CHANGEABLE = (
    "trials", "workers", "executor", "ray_address", "worker_cpus", "worker_gpus", "trial_timeout", "test_seeds",
    "data_dir",
)  # fmt: skip


BATCH_SIZE = 8  # By default: rules from one update of the searcher to the next.


@dataclasses.dataclass(frozen=True)
class Configuration:
    """A run.

    Attributes:
      task: Name of the task.
      task_module: Module that registers the task, if the package does not.
      data_dir: Folder of the prepared datasets.
      seed: Fixes every trial of the run.
      searcher: Name of the searcher.
      searcher_settings: Its own settings, by name; what is not named keeps the searcher's default.
      trials: Distinct rules to evaluate, the random reference included.
      random_trials: How many of them are uniform random search, the reference.
      batch_size: Rules from one update of the searcher to the next.
      space: What rules are drawn from.
      protocol: How a rule is rewarded.
      test_seeds: Trainings of each finalist and baseline on test data; twice as many for what they leave undecided.
      in_flight: Rules that are out at once while the searcher goes on; None to learn from each batch before the next.
      executor: "in_process", "processes" or "ray".
      workers: Number of workers; None for as many as a Ray cluster has room for.
      ray_address: "local", "auto", or the HOST:PORT of the head of a Ray cluster.
      worker_cpus: Cores of a Ray node that one worker takes.
      worker_gpus: GPUs of a Ray node that one worker takes, or a part of one.
      trial_timeout: Seconds after which a worker counts as hanging.
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
                f"The search space holds {self.space.size} rules, fewer than the trials asked for; "
                f"lower trials or add primitives. Received: trials={self.trials}"
            )
        if self.random_trials > self.trials:
            raise RunError(
                "The random reference is part of the trials; lower random_trials or raise trials. "
                f"Received: random_trials={self.random_trials}, trials={self.trials}"
            )

    @property
    def setup(self) -> EvaluatorSetup:
        """How a process builds the evaluator."""
        return EvaluatorSetup(self.task, self.protocol, self.task_module, self.data_dir)

    @property
    def stages(self) -> dict[str, int]:
        """Trials of each searcher, in order: the reference first, which the other one learns nothing from."""
        if self.searcher == RANDOM:
            return {RANDOM: self.trials}
        return {RANDOM: self.random_trials, self.searcher: self.trials - self.random_trials}

    @property
    def training_seed(self) -> int:
        """Seed of every trial's training: all rules of a run see the same initial weights and order of the data."""
        return derived_seeds(self.seed, 0, 1)[0]

    def searcher_seed(self, source: str) -> int:
        """Seed of the random reference or of the searcher."""
        return derived_seeds(self.seed, 1, 2)[source != RANDOM]

    def fresh_seeds(self, stage: str, count: int) -> list[int]:
        """Seeds of a stage of the race, which no trial and no other stage has."""
        return derived_seeds(self.seed, 2 + race.STAGES.index(stage), count)


def derived_seeds(seed: int, purpose: int, count: int) -> list[int]:
    """Seeds that follow from one; those of different purposes differ, and more of them keep the first ones."""
    return [int(word) >> 1 for word in np.random.SeedSequence([seed, purpose]).generate_state(count)]


def differences(stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Names of the given flags that would make other trials than the stored run's."""
    return [name for name, value in given.items() if name not in CHANGEABLE and stored.get(name) != value]
