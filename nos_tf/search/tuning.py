"""Tunes learning rates on validation data with several seeds, so that no rule benefits from one lucky seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nos_tf.dsl import Program
from nos_tf.search.trainings import Run, Trainings

_STEPS = 6  # Maximum distance from the first rate, in either direction.


def tune(
    trainings: Trainings,
    stage: str,
    rates: Mapping[Program, float],
    factor: float,
    seeds: Sequence[int],
    long: bool = False,
) -> dict[Program, float]:
    """Returns the learning rate with the highest mean reward for each rule.

    Both neighbors of the best rate so far are tried until they are known.

    Args:
      trainings: Runs the trainings.
      stage: Stage under which the results are stored.
      rates: First learning rate to try for each rule.
      factor: Ratio of neighboring rates.
      seeds: Seeds of the trainings at each rate.
      long: Whether to run long trainings.
    """
    means: dict[Program, dict[int, float]] = {program: {} for program in rates}
    while True:
        wanted = {program: _missing(means[program]) for program in rates}
        runs = {
            Run(program, seed, _rate(rates[program], factor, step), long=long): (program, step)
            for program, steps in wanted.items()
            for step in steps
            for seed in seeds
        }
        if not runs:
            return {program: _rate(rate, factor, _best(means[program])) for program, rate in rates.items()}
        rewards: dict[tuple[Program, int], list[float]] = {}
        for run, evaluation in trainings.run(stage, list(runs)).items():
            rewards.setdefault(runs[run], []).append(evaluation.reward)
        for (program, step), values in rewards.items():
            means[program][step] = float(np.mean(values))


def _best(means: Mapping[int, float]) -> int:
    """The step with the highest mean; ties go to the one closest to the first rate."""
    return max(means, key=lambda step: (means[step], -abs(step), -step))


def _missing(means: Mapping[int, float]) -> list[int]:
    best = _best(means) if means else 0
    around = (best, best - 1, best + 1)
    return [step for step in around if step not in means and abs(step) <= _STEPS]


def _rate(first: float, factor: float, step: int) -> float:
    return float(f"{first * factor**step:.6g}")  # Six digits are readable and the same on every machine.
