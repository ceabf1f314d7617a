"""Writes runs as Optuna studies, for example for optuna-dashboard. Needs the extra [optuna]."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import optuna

from nos_tf.common.errors import RunError
from nos_tf.dsl import Program
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY
from nos_tf.dsl.program import Group
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import Trial

_CHOICES = {
    "operand1": (*OPERANDS, *GROUP_NAMES),
    "operand2": (*OPERANDS, *GROUP_NAMES),
    "unary1": tuple(UNARY),
    "unary2": tuple(UNARY),
    "binary": tuple(BINARY),
}


def write(runs: Sequence[RunData], path: Path) -> None:
    """Writes one study per run, named like its folder. Each distinct rule is a trial; its tokens are the parameters.

    Args:
      runs: Runs to write.
      path: SQLite file of the studies; must not exist.

    Raises:
      RunError: The file exists, its folder does not, or two runs have the same name.
    """
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise RunError(f"A study is named like its run folder, so give runs with different names. Received: {names}")
    if path.exists():
        raise RunError(f"The study file already exists; remove it or choose another. Received: {path}")
    if not path.parent.is_dir():
        raise RunError(f"The folder of the study file does not exist; create it first. Received: {path}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    for run in runs:
        study = optuna.create_study(storage=storage, study_name=run.name, direction="maximize")
        for key, value in (("data", run.data_label), ("flags", dict(run.flags)), ("versions", dict(run.versions))):
            study.set_user_attr(key, value)
        study.add_trials([_trial(trial) for trial in run.evaluated])


def _trial(trial: Trial) -> optuna.trial.FrozenTrial:
    params = _tokens(trial.program)
    study_trial = optuna.trial.create_trial(
        value=trial.reward,
        params=params,
        distributions={
            name: optuna.distributions.CategoricalDistribution(_CHOICES[name.partition(" ")[2]]) for name in params
        },
        user_attrs={
            "rule": simplest_text(trial.program),
            "number in the run": trial.id,
            "found by": trial.source,
            "batch": trial.batch,
            "status": trial.status,
            "learning rate": trial.learning_rate,
        },
    )
    study_trial.datetime_start = study_trial.datetime_complete = datetime.datetime.fromtimestamp(trial.created)
    return study_trial


def _tokens(program: Program) -> dict[str, str]:
    """Tokens by group and position, such as `1 operand1`."""
    return {
        f"{number} {place}": token
        for number, group in enumerate(program.groups, start=1)
        for place, token in zip(Group._fields, group, strict=True)
    }
