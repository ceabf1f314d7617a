"""What the held-out tasks say: scores over tasks, paired over seeds, and every finalist's verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.discover.judging import Judged
from nos_tf.dsl import Program
from nos_tf.leaderboard import BETTER, UNDECIDED, WORSE
from nos_tf.search import verdicts
from nos_tf.search.verdicts import Comparison
from nos_tf.statistics import Interval, mean_interval
from nos_tf.tasks.suite import Scale, mean


class Standing(NamedTuple):
    """A finalist or a baseline on the held-out tasks.

    Attributes:
      program: The rule.
      scores: Its mean score on each task.
      seed_scores: Its score over tasks of each seed.
      against: Of a finalist, its comparison with each baseline over tasks.
      on_tasks: Of a finalist, on each task, its comparison with the baseline that is best there.
      verdict: `BETTER` than every baseline and worse on no task, `WORSE` than one of them, or `UNDECIDED`; None of a
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
    """Finalists and baselines, best score first.

    Args:
      judged: Results of the test.
      rules: The finalists.
      baselines: What they are compared with.
      nothing: Reward of a child that has learned nothing on each task.
    """
    rewards = {
        task: {program: {seed: one.reward for seed, one in found.items()} for program, found in results.items()}
        for task, results in judged.items()
    }
    means = {
        task: {program: float(np.mean(list(found.values()))) for program, found in each.items()}
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
