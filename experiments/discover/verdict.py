"""Verdicts on the finalists from their scores on the held-out tasks, paired over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.discover.judging import Judged
from nos_tf.common.leaderboard import BETTER, UNDECIDED, WORSE
from nos_tf.common.statistics import Interval, mean_interval
from nos_tf.dsl import Program
from nos_tf.search import verdicts
from nos_tf.search.verdicts import Comparison
from nos_tf.tasks.suite import Scale, mean


class Standing(NamedTuple):
    """Results of a finalist or baseline on the held-out tasks.

    Attributes:
      program: The rule.
      scores: Mean score on each task.
      seed_scores: Score over all tasks of each seed.
      against: For a finalist, comparisons with each baseline over all tasks.
      on_tasks: For a finalist, comparison on each task with the best baseline there.
      verdict: `BETTER` than every baseline and worse on no task, `WORSE` than at least one, or `UNDECIDED`; None for a
        baseline.
    """

    program: Program
    scores: dict[str, float]
    seed_scores: dict[int, float]
    against: dict[Program, Comparison]
    on_tasks: dict[str, Comparison]
    verdict: str | None

    @property
    def score(self) -> Interval:
        """Mean of its score over tasks and its interval over seeds."""
        return mean_interval(list(self.seed_scores.values()))


def standings(
    judged: Judged, rules: Sequence[Program], baselines: Sequence[Program], nothing: Mapping[str, float]
) -> list[Standing]:
    """Standings of finalists and baselines, best score first.

    Args:
      judged: Results of the test.
      rules: The finalists.
      baselines: The baselines.
      nothing: Reward on each task of a child that only knows the frequencies of the classes or the mean of the targets.
    """
    rewards = {
        task: {program: {seed: one.reward for seed, one in by_seed.items()} for program, by_seed in results.items()}
        for task, results in judged.items()
    }
    means = {
        task: {program: float(np.mean(list(by_seed.values()))) for program, by_seed in each.items()}
        for task, each in rewards.items()
    }
    best = {task: max(baselines, key=each.__getitem__) for task, each in means.items()}
    scales = {task: Scale(nothing[task], means[task][best[task]]) for task in rewards}
    programs = [*rules, *baselines]
    seeds = sorted(next(iter(next(iter(rewards.values())).values())))
    over_tasks = {
        program: {seed: mean([scales[task].score(rewards[task][program][seed]) for task in rewards]) for seed in seeds}
        for program in programs
    }
    pairs = verdicts.compare(rules, baselines, over_tasks, looks=1)
    on_tasks = {task: verdicts.compare(rules, [best[task]], rewards[task], looks=1) for task in rewards}

    def standing(program: Program) -> Standing:
        against = {other: pair for (rule, other), pair in pairs.items() if rule == program}
        single = {task: on_tasks[task][program, best[task]] for task in rewards if program in rules}
        return Standing(
            program=program,
            scores={task: scales[task].score(means[task][program]) for task in rewards},
            seed_scores=over_tasks[program],
            against=against,
            on_tasks=single,
            verdict=_verdict(against, single) if program in rules else None,
        )

    return sorted(map(standing, programs), key=lambda one: -one.score.mean)


def _verdict(against: Mapping[Program, Comparison], on_tasks: Mapping[str, Comparison]) -> str:
    overall = verdicts.overall(list(against.values()))
    is_worse_somewhere = any(pair.verdict == WORSE for pair in on_tasks.values())
    return UNDECIDED if overall == BETTER and is_worse_somewhere else overall
