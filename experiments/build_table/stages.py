"""Trainings for the table, stage by stage; each stage depends on the results of the previous ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.build_table import rules
from experiments.pieces import Work
from nos_tf.dsl import canonical_keys, parse
from nos_tf.dsl.algebra.canonical import key_number
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search.executors.job import Job
from nos_tf.search.executors.setup import EvaluatorSetup

SEEDS = 5  # Number of seeds for the best rules; the first is the one used for all rules.
TEST_SEEDS = (100, 101)  # Not used for selection.
FINE = tuple(10 ** (step / 8) for step in (-1, 0, 1))  # Factors around the mean of a rule's best learning rates.


class Stages:
    """Runs all stages and holds their results.

    Args:
      work: Runs the trainings in pieces.
      flags: Values of the script's flags.

    Attributes:
      rules: The distinct rules.
      classes: Numbers of the trained rules.
      first: Result of each trained rule with the first seed.
      best: Numbers of the best rules, followed by those of rules that have names.
      more: Results of the best rules with the other seeds, `[best][seed]`.
      fine_rates: Learning rates around their best ones, `[best, rates]`.
      fine: Results at these rates with all seeds, `[best][rate][seed]`.
      test: Results on test data at the best of these rates, `[best][seed]`.
      long_test: Results of long trainings on test data, `[best][seed]`.
      second: Numbers of the rules evaluated on the second task.
      second_results: Their results.
    """

    def __init__(self, work: Work, flags: Mapping[str, Any]):
        self._work = work
        self._flags = flags
        print("Finding the distinct rules ...", flush=True)
        self.rules = rules.load(work.folder / "rules.npz")
        self.classes = self.rules.trainable
        if flags["rules"] is not None:
            self.classes = np.sort(np.random.default_rng(0).permutation(self.classes)[: flags["rules"]])
        print(
            f"{len(self.rules.tokens):,} distinct rules, of which {len(self.rules.trainable):,} may learn; "
            f"{len(self.classes):,} are trained",
            flush=True,
        )
        self.first: list[Evaluation] = []
        self.more: list[list[Evaluation]] = []
        self.fine: list[list[list[Evaluation]]] = []
        self.test: list[list[Evaluation]] = []
        self.long_test: list[list[Evaluation]] = []
        self.second_results: list[Evaluation] = []

    def run(self) -> bool:
        """Runs all missing trainings.

        Returns:
          Whether all stages are complete.
        """
        seed, task, second_task = self._flags["seed"], self._flags["task"], self._flags["second_task"]
        first = self._evaluated("rules", task, [self._job(number, seed) for number in self.classes])
        if first is None:
            return False
        self.first = first
        order = np.argsort([-one.reward for one in self.first], kind="stable")
        top = order[: self._flags["best"]]
        places = np.concatenate([top, self._named(top)])
        self.best = self.classes[places]
        others = range(seed + 1, seed + SEEDS)
        more = self._evaluated("seeds", task, [self._job(number, other) for number in self.best for other in others])
        if more is None:
            return False
        self.more = _grouped(more, SEEDS - 1)
        self.fine_rates = np.array([self._fine_rates(*one) for one in zip(places, self.more, strict=True)])
        fine = self._evaluated(
            "fine",
            task,
            [
                self._job(number, each, learning_rate=float(rate))
                for number, rates in zip(self.best, self.fine_rates, strict=True)
                for rate in rates
                for each in range(seed, seed + SEEDS)
            ],
        )
        if fine is None:
            return False
        self.fine = [_grouped(one, SEEDS) for one in _grouped(fine, SEEDS * len(FINE))]
        for name, long in (("test", False), ("long_test", True)):
            jobs = [
                self._job(number, each, learning_rate=rate, split="test", long=long)
                for number, rate in zip(self.best, self.test_rates(), strict=True)
                for each in TEST_SEEDS
            ]
            if (results := self._evaluated(name, task, jobs)) is None:
                return False
            setattr(self, name, _grouped(results, len(TEST_SEEDS)))
        self.second = self._second(self.classes[top])
        second = self._evaluated("second", second_task, [self._job(number, seed) for number in self.second])
        self.second_results = second or []
        return second is not None

    def test_rates(self) -> list[float]:
        """Fine learning rate with the highest mean reward over seeds, for each of the best rules."""
        rewards = np.array([[[one.reward for one in seeds] for seeds in rates] for rates in self.fine])
        return [float(rate) for rate in self.fine_rates[np.arange(len(self.best)), rewards.mean(axis=2).argmax(axis=1)]]

    def _fine_rates(self, place: int, more: list[Evaluation]) -> list[float]:
        rates = [one.learning_rate for one in (self.first[place], *more) if one.learning_rate is not None]
        middle = float(np.exp(np.mean(np.log(rates))))
        return [float(f"{middle * factor:.6g}") for factor in FINE]

    def _named(self, top: np.ndarray) -> np.ndarray:
        """Places of the rules that have names and trained, but are not among the best ones.

        A seed can favor or harm all rules alike, so whatever the best rules are compared with needs the same seeds.
        """
        keys = [key_number(key) for key in canonical_keys([parse(rule.text) for rule in NAMED_RULES.values()])]
        numbers = self.rules.key_class[np.isin(self.rules.keys, np.array(keys, np.uint64))]
        places = np.flatnonzero(np.isin(self.classes, numbers))
        return np.array([place for place in places if place not in top and self.first[place].status == TRAINED], int)

    def _second(self, best: np.ndarray) -> np.ndarray:
        """The best rules and the same number of random ones."""
        others = np.setdiff1d(self.classes, best)
        random = np.random.default_rng(1).permutation(others)[: len(best)]
        return np.concatenate([best, np.sort(random)])

    def _job(self, number: int, seed: int, **options: Any) -> Job:
        return Job(0, self.rules.program(int(number)), seed, **options)

    def _evaluated(self, stage: str, task: str, jobs: list[Job]) -> list[Evaluation] | None:
        """Results of all jobs, or None if some are still missing."""
        return self._work.results(stage, EvaluatorSetup(task, data_dir=self._flags["data_dir"]), jobs)


def _grouped(results: list[Any], size: int) -> list[list[Any]]:
    return [results[start : start + size] for start in range(0, len(results), size)]
