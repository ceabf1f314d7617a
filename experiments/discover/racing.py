"""The race on the search tasks: all candidates run with one seed, then fewer and fewer with more seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import nos_tf
from experiments.discover.candidates import Candidate
from experiments.discover.watch import OutOfTimeError
from experiments.pieces import Work
from nos_tf.dsl import Program
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.configuration import Purpose, derived_seeds
from nos_tf.search.executors.job import Job, check_results
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.race import is_echo
from nos_tf.search.trial import BASELINES

SEEDS = (1, 2, 5)  # Additional seeds in each round; earlier ones still count.
SHARES = (0.3, 0.3)  # Share of rules that reach the next round.
_SIZE = 50  # Evaluations per piece: about a minute.


class Racer(NamedTuple):
    """A candidate with its results in the race.

    Attributes:
      candidate: The candidate.
      evaluations: Evaluations, one per seed.
    """

    candidate: Candidate
    evaluations: list[Evaluation]

    @property
    def rewards(self) -> list[float]:
        """Rewards, one per seed."""
        return [one.reward for one in self.evaluations]

    @property
    def score(self) -> float:
        """Mean reward over the seeds."""
        return float(np.mean(self.rewards))


def run(work: Work, setup: EvaluatorSetup, candidates: Sequence[Candidate], seed: int, finalists: int) -> list[Racer]:
    """Runs the race and returns the finalists, best first.

    Args:
      work: Runs the trainings.
      setup: Setup of the search task or suite.
      candidates: The candidates.
      seed: Seed from which the seeds of the race are derived.
      finalists: Maximum number of finalists.

    Raises:
      OutOfTimeError: The time is up.
    """
    seeds = derived_seeds(seed, Purpose.DISCOVERY_RACE, sum(SEEDS))
    racers = [Racer(candidate, []) for candidate in candidates]
    begin = 0
    for number, count in enumerate(SEEDS):
        programs = [racer.candidate.program for racer in racers]
        fresh = _evaluated(work, setup, f"race-{number}", programs, seeds[begin : begin + count])
        for racer, evaluations in zip(racers, fresh, strict=True):
            racer.evaluations.extend(evaluations)
        racers.sort(key=lambda racer: -racer.score)
        if number < len(SHARES):
            racers = racers[: max(finalists, round(SHARES[number] * len(racers)))]
        begin += count
    return _without_echoes(racers, work, setup, seeds)[:finalists]


def _without_echoes(racers: Sequence[Racer], work: Work, setup: EvaluatorSetup, seeds: Sequence[int]) -> list[Racer]:
    """Drops racers whose rewards equal those of a baseline or a better racer; `racers` are sorted, best first."""
    baselines = [nos_tf.parse(text) for text in BASELINES.values()]
    evaluations = _evaluated(work, setup, "race-baselines", baselines, seeds)
    rewards = {program: [one.reward for one in each] for program, each in zip(baselines, evaluations, strict=True)} | {
        racer.candidate.program: racer.rewards for racer in racers
    }
    others, kept = list(baselines), []
    for racer in racers:
        if not is_echo(racer.candidate.program, others, rewards):
            kept.append(racer)
        others.append(racer.candidate.program)
    return kept


def _evaluated(
    work: Work, setup: EvaluatorSetup, stage: str, programs: Sequence[Program], seeds: Sequence[int]
) -> list[list[Evaluation]]:
    """Evaluations of each program, one per seed."""
    jobs = [Job(0, program, seed) for program in programs for seed in seeds]
    results = work.results(stage, setup, jobs, _SIZE)
    if results is None:
        raise OutOfTimeError
    check_results(results)
    return [results[start : start + len(seeds)] for start in range(0, len(results), len(seeds))]
