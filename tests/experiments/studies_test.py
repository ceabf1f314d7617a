"""The studies of the search, run like a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from experiments import staleness, tune_searchers, zoo_ranking
from experiments.build_table import __main__ as build_table
from experiments.compare_searchers import __main__ as compare_searchers
from tests.experiments.in_process import run

ROOT = Path(__file__).parents[2]
STUDIES = {  # By command, flags of a small study.
    "compare_searchers": ["--searchers=random,evolution", "--seeds=2", "--trials=8", "--num_groups=1"],
    "compare_searchers --table=digits": ["--searchers=evolution,reinforce,ppo_paper", "--seeds=2", "--trials=60"],
    "tune_searchers": ["--searchers=tree_descent", "--settings=5", "--seeds=2"],
    "zoo_ranking": ["--task=digits", "--rules=sgd,adam,powersign"],
    "reward_study": ["--rules=10", "--child=f8"],
    "staleness": ["--searchers=random,evolution", "--workers=1,4", "--seeds=2", "--trials=16"],
}
WRONG = {
    "compare_searchers": "--searchers=genetic",
    "compare_searchers --table=digits": "--table=letters",
    "tune_searchers": "--settings=1",
    "zoo_ranking": "--rules=adan",
    "reward_study": "--child=f9",
    "staleness": "--workers=0",
}


def study(command: str, *flags: str) -> subprocess.CompletedProcess[str]:
    script, *own = command.split()
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{script}", *own, *flags],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", STUDIES)
def test_errors_are_one_line_and_nothing_is_written(command: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    for flags in ((WRONG[command], f"--run_dir={tmp_path / 'run'}"), (f"--run_dir={tmp_path}",), ("--resume",)):
        done = study(command, *flags)
        assert done.returncode == 2, done
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("script", "flags", "received"),
    [
        (staleness, ["--searchers="], "none"),
        (staleness, ["--workers="], "--workers="),
        (staleness, ["--workers=²"], "--workers=²"),
        (tune_searchers, ["--searchers="], "none"),
        (zoo_ranking, ["--rules="], "none"),
        (zoo_ranking, ["--rules=adam,sgd,adam"], "--rules=adam,sgd"),
        (compare_searchers, ["--searchers="], "none"),
        (compare_searchers, ["--table=digits", "--task=digits"], "--task=digits"),
        (compare_searchers, ["--table=digits", "--num_groups=1"], "--num_groups=1"),
        (build_table, ["--best=0"], "--best=0"),
        (build_table, ["--run_dir=/dev/null/run"], "/dev/null/run"),
    ],
)
def test_flags_that_would_lead_to_nothing_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    script: ModuleType,
    flags: list[str],
    received: str,
) -> None:
    assert run(monkeypatch, script, f"--run_dir={tmp_path / 'run'}", *flags) == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) == 1
    assert message.endswith(f"Received: {received}\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", STUDIES)
def test_small_study_runs_and_is_resumed(command: str, tmp_path: Path) -> None:
    flags = [*STUDIES[command], f"--run_dir={tmp_path / 'run'}"]
    assert study(command, *flags).returncode == 0
    results = tmp_path / "run" / "results.json"
    first = json.loads(results.read_text())
    assert first["experiment"] == command.split()[0]
    assert study(command, *flags).returncode == 2  # The folder already holds a run.
    results.unlink()
    assert study(command, *flags, "--resume").returncode == 0
    assert json.loads(results.read_text()) == first
    assert study(command, *flags, "--resume", "--seed=9").returncode == 2
