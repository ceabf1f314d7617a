"""A run as an Optuna study; tests that need Optuna are skipped if it is not installed."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

import nos_tf
from nos_tf.common.errors import RunError
from tests.search.reports import runs


def test_without_optuna_one_line_says_what_to_install(tmp_path: pathlib.Path) -> None:
    runs.make(tmp_path / "one", policy_trials=4, with_finals=False)
    code = (
        "import sys; sys.modules['optuna'] = None; "
        f"sys.argv = ['nos-tf-report', '--run_dir={tmp_path / 'one'}', '--optuna={tmp_path / 'study.db'}']; "
        "from nos_tf.search.reports import command; command.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert done.stderr.count("\n") == 1, done.stderr
    assert "needs the extra [optuna]: pip install 'nos_tf[optuna]'" in done.stderr


def test_study_holds_every_distinct_rule(tmp_path: pathlib.Path) -> None:
    optuna = pytest.importorskip("optuna", reason="the extra [optuna] is not installed")
    from nos_tf.search.reports import optuna_study

    run = runs.make(tmp_path / "one", policy_trials=12, with_finals=False)
    path = tmp_path / "study.db"
    optuna_study.write([run], path)
    study = optuna.load_study(study_name="one", storage=f"sqlite:///{path}")
    assert [trial.value for trial in study.trials] == [trial.reward for trial in run.evaluated]
    assert study.best_value == max(trial.reward for trial in run.evaluated)
    for found, trial in zip(study.trials, run.evaluated, strict=True):
        assert tuple(found.params.values()) == trial.program.tokens
        assert found.user_attrs["found by"] == trial.source
        assert nos_tf.canonical_key(nos_tf.parse(found.user_attrs["rule"])) == nos_tf.canonical_key(trial.program)
    assert study.user_attrs["data"] == run.data_label
    with pytest.raises(RunError, match="The study file already exists; remove it or choose another"):
        optuna_study.write([run], path)
    with pytest.raises(RunError, match="runs with different names"):
        optuna_study.write([run, run], tmp_path / "other.db")
    with pytest.raises(RunError, match="The folder of the study file does not exist"):
        optuna_study.write([run], tmp_path / "nowhere" / "study.db")
