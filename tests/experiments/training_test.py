"""The scripts of the training harness, run like a user would: errors, signals, kills and resuming."""

import csv
import importlib.util
import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.training.fake_training import start

RATES = "--learning_rates=0.01,0.1"


def run(*flags: str) -> tuple[int, str, str]:
    process = start(*flags)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def check_refused(flags: tuple[str, ...], *words: str) -> None:
    code, _, err = run(*flags)
    assert code == 2, err
    assert len(err.strip().splitlines()) == 1, err
    for word in words:
        assert word in err


def numbers(folder: Path) -> dict[str, object]:
    """Returns everything but the times."""
    results = json.loads((folder / "results.json").read_text())
    for training in results["runs"]:
        del training["seconds"]
    histories = {
        path.parent.name: list(csv.reader(path.read_text().splitlines()))
        for path in folder.glob("trainings/*/history.csv")
    }
    return {"results": results, "histories": histories}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--optimizers=adm",), ("adm", "adam")),
        (("--optimizers=",), ("--optimizers=",)),
        (("--learning_rates=0.1,-1",), ("--learning_rates=0.1,-1",)),
        (("--epochs=0",), ("--epochs=0",)),
        (("--warmup_steps=5",), ("--schedule=cosine",)),
        (("--schedule=cosine", "--warmup_steps=40"), ("40 steps", "--warmup_steps=40")),
        (("--resume",), ("--run_dir",)),
        (("stray",), ("stray",)),
    ],
)
@pytest.mark.slow
def test_bad_flags_are_refused_and_nothing_is_written(tmp_path, flags, words):
    where = () if flags == ("--resume",) else (f"--run_dir={tmp_path}/run",)
    check_refused((*flags, *where), *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow_addons") is not None, reason="tensorflow-addons is installed")
def test_optimizer_of_a_library_that_is_not_installed_is_refused(tmp_path):
    check_refused(("--optimizers=addons/lamb", f"--run_dir={tmp_path}/run"), "pip install 'nos_tf[addons]'")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    code, out, err = run(f"--run_dir={folder}", RATES)
    assert code == 0, err
    assert "final val accuracy" in out
    return folder


@pytest.mark.slow
def test_run_folder_is_complete(whole):
    names = {path.name for path in whole.iterdir()}
    assert {"config.json", "results.json", "results.md", "curves.png", "trainings"} <= names
    config = json.loads((whole / "config.json").read_text())
    assert config["flags"]["learning_rates"] == [0.01, 0.1]
    assert config["flags"]["epochs"] == 4
    assert len(config["config_hash"]) == 12


def contents(folder: Path) -> dict[Path, bytes]:
    """Returns all files but the lock, which names the last process."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "run.lock"}


@pytest.mark.slow
def test_finished_run_is_not_overwritten(whole):
    before = contents(whole)
    check_refused((f"--run_dir={whole}", RATES), "resume", str(whole))
    check_refused((f"--run_dir={whole}", "--resume", "--learning_rates=0.3"), "learning_rates=[0.01, 0.1]")
    assert contents(whole) == before


@pytest.mark.slow
def test_grid_that_always_diverges_is_one_clear_error_and_keeps_the_rest(tmp_path):
    flags = (f"--run_dir={tmp_path}/run", "--optimizers=adam,g**3 / gamma", "--learning_rates=1e30", "--epochs=1")
    code, out, err = run(*flags)
    assert code == 2
    assert "diverged" in err
    assert "learning_rates=1e30" in err
    assert len(err.strip().splitlines()) == 1
    assert "every rate diverged" in out
    assert len(json.loads((tmp_path / "run/results.json").read_text())["runs"]) == 2


def start_and_wait(folder: Path, count: int) -> subprocess.Popen[str]:
    """Starts or resumes the run, and returns after the given number of steps, each at least 10 ms long."""
    steps = folder.with_name("steps")
    steps.write_bytes(b"")
    process = start(f"--run_dir={folder}", RATES, "--resume", seconds=0.01, steps=steps)
    while steps.stat().st_size < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    return process


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signal_saves_and_the_resumed_run_ends_with_the_same_numbers(tmp_path, whole, sent, code):
    folder = tmp_path / "run"
    process = start_and_wait(folder, 57)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "--resume" in out + err
    assert list(folder.glob("trainings/*/checkpoint/ckpt-*.index"))
    assert run(f"--run_dir={folder}", RATES, "--resume")[0] == 0
    assert numbers(folder) == numbers(whole)


@pytest.mark.slow
def test_killed_at_random_moments_ends_with_the_same_numbers(tmp_path, whole):
    folder, rng = tmp_path / "run", random.Random(0)
    for _ in range(5):  # There are 240 steps in total; each kill costs less than an epoch of ten steps.
        process = start_and_wait(folder, rng.randint(5, 45))
        time.sleep(rng.uniform(0.0, 0.05))
        process.kill()
        process.communicate()
    assert run(f"--run_dir={folder}", RATES, "--resume")[0] == 0
    assert numbers(folder) == numbers(whole)
