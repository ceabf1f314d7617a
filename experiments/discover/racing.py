"""The race on the tasks of the search: all candidates from one seed, and ever fewer of them from more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.discover.candidates import Candidate
from experiments.discover.watch import OutOfTimeError
from experiments.pieces import Work
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.configuration import derived_seeds
from nos_tf.search.executors.job import Job
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.race import is_echo

SEEDS = (1, 2, 5)  # Further seeds of each round; those before count as well.
SHARES = (0.3, 0.3)  # Of the rules of a round that go on to the next.
_SIZE = 50  # Evaluations of a piece: a minute or so.
_PURPOSE = 100  # Of the seeds: no search has them.


class Racer(NamedTuple):
    """A rule of the race.

    Attributes:
      candidate: The rule.
      evaluations: One a seed.
    """

    candidate: Candidate
    evaluations: list[Evaluation]

    @property
    def rewards(self) -> list[float]:
        """One a seed."""
        return [one.reward for one in self.evaluations]

    @property
    def score(self) -> float:
        """Mean reward over the seeds."""
        return float(np.mean(self.rewards))


def run(work: Work, setup: EvaluatorSetup, found: Sequence[Candidate], seed: int, finalists: int) -> list[Racer]:
    """The finalists, best first.

    Args:
      work: Trains.
      setup: Of the task or suite that was searched on.
      found: The candidates.
      seed: Decides the seeds of the race.
      finalists: How many there are at most.

    Raises:
      OutOfTimeError: The time is up.
    """
    seeds = derived_seeds(seed, _PURPOSE, sum(SEEDS))
    racers = [Racer(candidate, []) for candidate in found]
    for number, count in enumerate(SEEDS):
        fresh, seeds = seeds[:count], seeds[count:]
        jobs = [Job(0, racer.candidate.program, each) for racer in racers for each in fresh]
        results = work.results(f"race-{number}", setup, jobs, _SIZE)
        if results is None:
            raise OutOfTimeError
        for place, racer in enumerate(racers):
            racer.evaluations.extend(results[place * count : (place + 1) * count])
        racers.sort(key=lambda racer: -racer.score)
        if number < len(SHARES):
            racers = racers[: max(finalists, round(SHARES[number] * len(racers)))]
    rewards = {racer.candidate.program: racer.rewards for racer in racers}
    programs = list(rewards)
    kept = [racer for place, racer in enumerate(racers) if not is_echo(programs[place], programs[:place], rewards)]
    return kept[:finalists]
