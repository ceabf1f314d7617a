"""The leaderboard: finalists and tuned baselines on test data, with every paired difference."""

from __future__ import annotations

from typing import NamedTuple

from nos_tf.dsl import Program
from nos_tf.evaluation.result import FAILED, TRAINED, Evaluation
from nos_tf.leaderboard import BETTER
from nos_tf.search import race, verdicts
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.verdicts import Comparison
from nos_tf.statistics import Interval, mean_interval

BASELINE = "baseline"


class Standing(NamedTuple):
    """A finalist or a baseline, by its trainings on test data.

    Attributes:
      program: The rule.
      name: Name of the baseline; None for a rule that was found.
      found_by: `BASELINE`, or the searcher that found it.
      learning_rate: The rate that the race tuned.
      searched: Reward of the search's own protocol.
      reward: Mean reward on test data.
      accuracy: Mean accuracy on test data after the last epoch.
      seeds: Number of trainings.
      diverged: How many of them diverged; their reward and accuracy count as 0.
      against: Of a finalist, its comparison with each baseline, by name; of a baseline, with the best one alone.
      difference: The one with the best baseline; None for the best baseline itself.
      verdict: Of a finalist, over all its comparisons.
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
    """Everything that was tested, best mean reward first.

    Attributes:
      standings: Finalists and baselines.
      best_baseline: The baseline of the highest mean reward, which differences are to.
      winner: The best finalist of those that are better than every baseline, if there is one.
    """

    standings: list[Standing]
    best_baseline: Standing
    winner: Standing | None

    @property
    def finalists(self) -> list[Standing]:
        """The finalists among the standings."""
        return [standing for standing in self.standings if standing.name is None]


def leaderboard(run: RunData, stage: str = race.TEST) -> Leaderboard | None:
    """The leaderboard of a run, at the task's length or after long trainings; None until all baselines are tested."""
    results: dict[Program, dict[int, Evaluation]] = {}
    rates = {}
    baselines = {one.program: one for one in run.baselines if one.evaluation.learning_rate is not None}
    contenders = {*baselines, *run.finalists}
    for one in run.trainings:
        if one.stage == stage and one.program in contenders and one.evaluation.status != FAILED:
            results.setdefault(one.program, {})[one.seed] = one.evaluation
            rates[one.program] = one.learning_rate
    if not baselines or not contenders <= results.keys():
        return None
    rewards = {program: {seed: one.reward for seed, one in found.items()} for program, found in results.items()}
    means = {program: mean_interval(list(found.values())).mean for program, found in rewards.items()}
    best = max(baselines, key=lambda program: means[program])
    pairs = verdicts.compare(run.finalists, list(baselines), rewards)
    pairs |= verdicts.compare(list(baselines), [best], rewards)
    trials = {trial.program: trial for trial in run.evaluated}

    def standing(program: Program) -> Standing:
        known, found = baselines.get(program), results[program].values()
        against = {baselines[other].name: pair for (rule, other), pair in pairs.items() if rule == program}
        difference = against.get(baselines[best].name)
        return Standing(
            program=program,
            name=known.name if known else None,
            found_by=BASELINE if known else trials[program].source,
            learning_rate=rates[program],
            searched=known.evaluation.reward if known else trials[program].reward,
            reward=mean_interval([one.reward for one in found]),
            accuracy=mean_interval([one.accuracy or 0.0 for one in found]),
            seeds=len(found),
            diverged=sum(one.status != TRAINED for one in found),
            against=against,
            difference=difference,
            verdict=verdicts.overall(list(against.values())),
        )

    standings = [standing(program) for program in sorted(contenders, key=lambda one: (-means[one], str(one)))]
    better = [one for one in standings if one.name is None and one.verdict == BETTER]
    return Leaderboard(standings, next(one for one in standings if one.program == best), better[0] if better else None)
