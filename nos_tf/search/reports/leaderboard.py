"""The leaderboard: finalists and tuned baselines on test data, with all paired differences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nos_tf.common.leaderboard import BETTER
from nos_tf.common.statistics import Interval, mean_interval
from nos_tf.dsl import Program
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search import race, verdicts
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.verdicts import Comparison

BASELINE = "baseline"


class Standing(NamedTuple):
    """Test results of a finalist or baseline.

    Attributes:
      program: The rule.
      name: Name of the baseline; None for a finalist.
      found_by: `BASELINE`, or the searcher that found the rule.
      learning_rate: Learning rate tuned in the race.
      searched: Reward under the search's protocol.
      reward: Mean reward on test data.
      accuracy: Mean accuracy on test data after the last epoch.
      seeds: Number of trainings.
      diverged: Number of trainings that diverged; their reward and accuracy count as 0.
      against: For a finalist, comparisons with every baseline, by name; for a baseline, only with the best one.
      difference: Comparison with the best baseline; None for the best baseline itself.
      verdict: For a finalist, the verdict over all its comparisons.
    """

    program: Program
    name: str | None
    found_by: str
    learning_rate: float
    searched: float
    reward: Interval
    accuracy: Interval
    seeds: int
    diverged: int
    against: dict[str, Comparison]
    difference: Comparison | None
    verdict: str


class Leaderboard(NamedTuple):
    """Test results of all finalists and baselines, best first.

    Undecided contenders are trained with more seeds than the others, and a seed shifts all rewards alike. So contenders
    are ranked by their mean rewards over the seeds that all of them share.

    Attributes:
      standings: Finalists and baselines.
      best_baseline: The baseline that ranks first; differences refer to it.
      winner: The best finalist that beats every baseline, or None.
    """

    standings: list[Standing]
    best_baseline: Standing
    winner: Standing | None

    @property
    def finalists(self) -> list[Standing]:
        """The finalists among the standings."""
        return [standing for standing in self.standings if standing.name is None]


def leaderboard(run: RunData, stage: str = race.TEST) -> Leaderboard | None:
    """Leaderboard of a run at a stage of the race; None until all finalists and baselines have a seed in common."""
    results: dict[Program, dict[int, Evaluation]] = {}
    rates = {}
    baselines = {one.program: one for one in run.baselines if one.evaluation.learning_rate is not None}
    contenders = {*baselines, *run.finalists}
    for one in sorted(run.trainings, key=lambda training: training.seed):  # Sums must not depend on who came first.
        if one.stage == stage and one.program in contenders:
            results.setdefault(one.program, {})[one.seed] = one.evaluation
            rates[one.program] = one.learning_rate
    if not baselines or not contenders <= results.keys():
        return None
    rewards = {program: {seed: one.reward for seed, one in by_seed.items()} for program, by_seed in results.items()}
    shared = sorted(set.intersection(*(set(by_seed) for by_seed in rewards.values())))
    if not shared:
        return None
    means = {program: float(np.mean([by_seed[seed] for seed in shared])) for program, by_seed in rewards.items()}
    best = max(baselines, key=lambda program: means[program])
    pairs = verdicts.compare(run.finalists, list(baselines), rewards, run.looks)
    pairs |= verdicts.compare(list(baselines), [best], rewards, run.looks)
    trials = {trial.program: trial for trial in run.evaluated}

    def standing(program: Program) -> Standing:
        known, evaluations = baselines.get(program), results[program].values()
        against = {baselines[other].name: pair for (rule, other), pair in pairs.items() if rule == program}
        difference = against.get(baselines[best].name)
        return Standing(
            program=program,
            name=known.name if known else None,
            found_by=BASELINE if known else trials[program].source,
            learning_rate=rates[program],
            searched=known.evaluation.reward if known else trials[program].reward,
            reward=mean_interval([one.reward for one in evaluations]),
            accuracy=mean_interval([one.accuracy or 0.0 for one in evaluations]),
            seeds=len(evaluations),
            diverged=sum(one.status != TRAINED for one in evaluations),
            against=against,
            difference=difference,
            verdict=verdicts.overall(list(against.values())),
        )

    standings = [standing(program) for program in sorted(contenders, key=lambda one: (-means[one], str(one)))]
    better = [one for one in standings if one.name is None and one.verdict == BETTER]
    return Leaderboard(standings, next(one for one in standings if one.program == best), better[0] if better else None)
