"""The studies of the search, run like a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDIES = {
    "experiments.compare_searchers": ["--searchers=random,evolution", "--seeds=2", "--trials=8", "--num_groups=1"],
    "experiments.zoo_ranking": ["--task=digits", "--rules=sgd,adam,powersign"],
    "experiments.reward_study": ["--rules=10", "--child=f8"],
    "experiments.staleness": ["--searchers=random,evolution", "--workers=1,4", "--seeds=2", "--trials=16"],
}
WRONG = {
    "experiments.compare_searchers": "--searchers=genetic",
    "experiments.zoo_ranking": "--rules=adan",
    "experiments.reward_study": "--child=f9",
    "experiments.staleness": "--workers=0",
}


def study(module: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", STUDIES)
def test_errors_are_one_line_and_nothing_is_written(module: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    for flags in ((WRONG[module], f"--run_dir={tmp_path / 'run'}"), (f"--run_dir={tmp_path}",), ("--resume",)):
        done = study(module, *flags)
        assert done.returncode == 2, done
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.slow
@pytest.mark.parametrize("module", STUDIES)
def test_small_study_runs_and_is_resumed(module: str, tmp_path: Path) -> None:
    flags = [*STUDIES[module], f"--run_dir={tmp_path / 'run'}"]
    assert study(module, *flags).returncode == 0
    results = tmp_path / "run" / "results.json"
    first = json.loads(results.read_text())
    assert first["experiment"] == module.removeprefix("experiments.")
    assert study(module, *flags).returncode == 2  # The folder already holds a run.
    results.unlink()
    assert study(module, *flags, "--resume").returncode == 0
    assert json.loads(results.read_text()) == first
    assert study(module, *flags, "--resume", "--seed=9").returncode == 2
