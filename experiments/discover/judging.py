"""Tests finalists and baselines on the held-out tasks, tuned in the same way and with fresh seeds.

On each task, the sweep of the search's protocol gives a starting point. Rates are then tuned in long trainings on
validation data, first in quarters and then in eighths of a decade, and the best one is tested in long trainings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nos_tf
from experiments.discover.watch import OutOfTimeError, Watch
from experiments.pieces import Work
from nos_tf.dsl import Program
from nos_tf.evaluation.result import DIVERGED, Evaluation
from nos_tf.search.configuration import Purpose, derived_seeds
from nos_tf.search.executors.job import Job, check_results
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.store import Store
from nos_tf.search.trainings import Run, Trainings
from nos_tf.search.trial import BASELINES
from nos_tf.search.tuning import tune
from nos_tf.tasks import suite

SWEEP, TUNING, FINE_TUNING, TEST = "sweep", "tuning", "fine tuning", "test"
STAGES = (SWEEP, TUNING, FINE_TUNING, TEST)
FACTORS = {TUNING: 10 ** (1 / 4), FINE_TUNING: 10 ** (1 / 8)}
SEEDS = {SWEEP: 1, TUNING: 2, FINE_TUNING: 5}

Judged = dict[str, dict[Program, dict[int, Evaluation]]]  # By task, rule and seed.


def procedure(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Description of how finalists are judged, JSON-serializable."""
    return {
        "search_tasks": list(suite.SUITES.get(flags["task"], (flags["task"],))),
        "held_out_tasks": list(suite.HELD_OUT),
        "baselines": dict(BASELINES),
        "stages": list(STAGES),
        "factors": FACTORS,
        "seeds": {stage: _seeds(flags, stage) for stage in STAGES},
        "trainings": "long ones; tuned on validation data, tested on test data",
        "verdict": "better than every baseline by the mean score over the tasks, its best one left out, paired over "
        "seeds and Holm-corrected, p < 0.05, and worse than the best baseline on no task",
    }


def run(work: Work, finalists: Path, rules: Sequence[Program], flags: Mapping[str, Any]) -> Judged:
    """Tests finalists and baselines on every held-out task.

    Args:
      work: Runs the trainings.
      finalists: File of the frozen finalists.
      rules: The finalists.
      flags: Values of the script's flags.

    Raises:
      RunError: The finalists are not frozen yet.
      OutOfTimeError: The time is up.
    """
    contenders = [*rules, *(nos_tf.parse(text) for text in BASELINES.values())]
    return {name: _judge(work, name, finalists, contenders, flags) for name in suite.HELD_OUT}


def nothing(finalists: Path, flags: Mapping[str, Any]) -> dict[str, float]:
    """Reward of a child that only knows how frequent each class is, or the mean of the targets, on each held-out task.

    Raises:
      RunError: The finalists are not frozen yet.
    """
    tasks = {name: setup(name, finalists, flags).get_task() for name in suite.HELD_OUT}
    return {name: suite.nothing(task, task.load(flags["data_dir"]).train) for name, task in tasks.items()}


def setup(name: str, finalists: Path, flags: Mapping[str, Any]) -> EvaluatorSetup:
    """Setup of a held-out task.

    Raises:
      RunError: The finalists are not frozen yet.
    """
    return EvaluatorSetup(name, data_dir=flags["data_dir"], finalists=str(finalists.absolute()))


def _judge(
    work: Work, name: str, finalists: Path, contenders: Sequence[Program], flags: Mapping[str, Any]
) -> dict[Program, dict[int, Evaluation]]:
    task = setup(name, finalists, flags)
    (seed,) = _seeds(flags, SWEEP)
    swept = work.results(f"{SWEEP}-{name}", task, [Job(0, program, seed) for program in contenders])
    if swept is None:
        raise OutOfTimeError
    check_results(swept)
    rates = {
        program: evaluation.learning_rate
        for program, evaluation in zip(contenders, swept, strict=True)
        if evaluation.learning_rate is not None
    }
    path = work.folder / f"{name}.judged.sqlite"
    record = {"flags": dict(flags), "data_label": task.describe_data()}
    with (
        work.executor(task) as executor,
        Store.open(path) if path.exists() else Store.create(path, record) as store,
    ):
        trainings = Trainings(store, executor, Watch(work, name))
        for stage, factor in FACTORS.items():
            rates = tune(trainings, stage, rates, factor, _seeds(flags, stage), long=True)
        seeds = _seeds(flags, TEST)
        runs = [Run(program, seed, rate, "test", long=True) for program, rate in rates.items() for seed in seeds]
        results: dict[Program, dict[int, Evaluation]] = {
            # Rules that do not train at any rate get reward 0.
            program: {seed: Evaluation(0.0, DIVERGED) for seed in seeds}
            for program in contenders
        }
        for one, evaluation in trainings.run(TEST, runs).items():
            results[one.program][one.seed] = evaluation.replace(learning_rate=one.learning_rate)
    return results


def _seeds(flags: Mapping[str, Any], stage: str) -> list[int]:
    count = flags["seeds"] if stage == TEST else SEEDS[stage]
    return derived_seeds(flags["seed"], Purpose.DISCOVERY_JUDGING + STAGES.index(stage), count)
