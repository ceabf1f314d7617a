"""The command, run like a user would: what it writes, and that each error is one line with exit code 2."""

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ("--learning_rates=1e-3,1e-4", "--iterations=20", "--seeds=3")


def rosenbrock(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments.rosenbrock", *flags],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def check_refused(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    assert finished.returncode == 2, finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1, finished.stderr
    for word in words:
        assert word in finished.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--learning_rates=0.1,fast",), ("--learning_rates=0.1,fast",)),
        (("--learning_rates=0.1,-1",), ("positive", "--learning_rates=0.1,-1")),
        (("--learning_rates=",), ("--learning_rates=",)),
        (("--optimizers=",), ("--optimizers=",)),
        (("--iterations=0",), ("--iterations=0",)),
        (("--noise=-1",), ("--noise=-1",)),
        (("--seeds=0",), ("--seeds=0",)),
        (("--optimizers=sgd,powersing",), ("did you mean 'powersign'", "Received: 'powersing'")),
    ],
    ids=" ".join,
)
def test_impossible_flags_are_refused(tmp_path: Path, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    check_refused(rosenbrock(*flags, f"--run_dir={tmp_path / 'run'}"), *words)
    assert list(tmp_path.iterdir()) == []


def test_complete_run_and_its_resumption(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = ('--optimizers=powersign-cd,"g + clip(m, 1e-3)",adam', *SMALL, f"--run_dir={folder}", "--seed=5")
    first = rosenbrock(*flags)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert str(folder / "rosenbrock.png") in first.stdout
    names = {"config.json", "results.json", "rosenbrock.md", "rosenbrock.png", "run.lock"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "rosenbrock.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "config.json").read_text())["flags"]["learning_rates"] == [1e-4, 1e-3]

    results = json.loads((folder / "results.json").read_text(), parse_constant=pytest.fail)  # No NaN in the file.
    runs = results["runs"]
    assert len(runs) == (2 + 6) * 2 * (1 + 3)  # Optimizers and Adam's epsilons, rates, and seeds for each function.
    assert {run["seed"] for run in runs} == {5, 6, 7}
    assert results["scale"]["iterations"] == 20
    for kind, rates in results["selected"].items():
        assert set(rates) == {"powersign-cd", "g + clip(m, 1e-3)", "adam"}
        for name, rate in rates.items():
            sums: dict[tuple[float, float | None], float] = collections.defaultdict(float)
            mine = [run for run in runs if (run["function"], run["optimizer"]) == (kind, name)]
            for run in mine:
                sums[run["learning_rate"], run["epsilon"]] += run["metrics"]["final_value"]
            best = min(sums, key=lambda setting: sums[setting])
            assert rate == best[0]
            assert all(run["selected"] == ((run["learning_rate"], run["epsilon"]) == best) for run in mine)

    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.lock"}
    check_refused(rosenbrock(*flags), "resume")
    check_refused(rosenbrock(*flags, "--resume", "--noise=2"), "noise=1.0")
    resumed = rosenbrock(*flags, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == first.stdout
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.lock"} == before


def test_grid_on_which_every_run_diverges_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = ("--optimizers=momentum", "--learning_rates=1,10", "--iterations=50", "--seeds=2", f"--run_dir={folder}")
    check_refused(rosenbrock(*flags), "'momentum'", "diverged", "--learning_rates=1,10")
    assert {path.name for path in folder.iterdir()} <= {"config.json", "run.lock"}
