"""The commands, run like a user would: each error is one line with exit code 2, and nothing is written."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES

ROOT = Path(__file__).parents[2]
FAKE = ROOT / "tests/search/fake_search.py"
SMALL = ("--searcher=evolution", "--trials=12", "--test_seeds=2", "--workers=1", "--num_groups=1")


def execute(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def search(*flags: str) -> subprocess.CompletedProcess[str]:
    return execute(["-m", "experiments.search", *flags])


def fake_search(*flags: str) -> subprocess.CompletedProcess[str]:
    """Runs the same command with invented trainings."""
    return execute([str(FAKE), *flags])


def check_refused(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    assert finished.returncode == 2, finished.stderr
    lines = finished.stderr.strip().splitlines()
    assert len(lines) == 1, finished.stderr
    assert "Traceback" not in finished.stderr
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--trials=0",), ("--trials=0",)),
        (("--trials=many",), ("trials", "many")),
        (("--controller_learning_rate=-1",), ("--controller_learning_rate=-1",)),
        (("--operands=",), ("operands must not be empty",)),
        (("--operands=g,mm",), ("Unknown name in operands", "'mm'")),
        (("--constraints=none",), ("constraints", "none")),
        (("--num_groups=1", "--operands=g,m", "--unary=identity", "--trials=100"), ("holds 10 rules", "trials=100")),
        (("--trials=4", "--random_trials=5"), ("random_trials=5",)),
        (("--searcher=magic",), ("magic", "evolution, ppo, trpo, reinforce, random")),
        (("--searcher=random", "--units=3"), ("--units=3",)),
        (("--task=digit",), ("Unknown task", "did you mean 'digits'")),
        (("--task_module=no_such_module",), ("task_module=no_such_module",)),
        (("--task=cifar10_convnet", "--data_dir=/no/such/folder"), ("/no/such/folder",)),
        (("--sweep=0.1,-1",), ("positive",)),
        (("--executor=in_process", "--workers=2"), ("--workers=2",)),
        (("--resume",), ("--run_dir",)),
        (("--no_such_flag",), ("no_such_flag",)),
        (("--flagfile=/no/such/file",), ("/no/such/file",)),
        (("stray",), ("stray",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_impossible_flags_are_refused(tmp_path: Path, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    folder = () if "--resume" in flags else (f"--run_dir={tmp_path / 'run'}",)
    check_refused(search(*flags, *folder), *words)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    check_refused(fake_search(*SMALL, f"--run_dir={tmp_path / 'file' / 'run'}"), "choose another")
    assert (tmp_path / "file").read_text() == "mine"


OWN_TASK = """
import numpy as np
import tensorflow as tf
from nos_tf import tasks

def load(data_dir=None):
    inputs = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
    labels = {labels}
    return tasks.Splits(*(tasks.Split(inputs[i::3], labels[i::3]) for i in range(3)))

def build_model():
    return tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2)])

tasks.register("own", load, build_model, batch_size={batch_size})
"""


def own_task(folder: Path, labels: str, batch_size: int = 10) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns environment and flags of a search on a user's own task."""
    (folder / "own_task.py").write_text(OWN_TASK.format(labels=labels, batch_size=batch_size))
    flags = ("-m", "experiments.search", "--task_module=own_task", "--task=own", "--searcher=random", "--trials=2")
    return {"PYTHONPATH": f"{folder}:{ROOT}"}, (*flags, f"--run_dir={folder / 'run'}", "--workers=1")


def test_unusable_task_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    environment, flags = own_task(tmp_path, "(inputs[:, 0] > 0) + 5")
    check_refused(execute(list(flags), environment), "below the network's 2 outputs", "in row 0")
    assert not (tmp_path / "run").exists()


def test_task_that_no_baseline_learns_ends_the_search(tmp_path: Path) -> None:
    environment, flags = own_task(tmp_path, "np.arange(90) % 2", batch_size=100)
    finished = execute([*flags, "--sweep=1e-30"], environment)
    assert finished.returncode == 2, finished.stderr
    warning, reason = finished.stderr.strip().splitlines()
    assert warning.startswith("Warning: train has fewer examples than a batch")
    assert reason.startswith("No baseline learns this task")
    with Store.read(tmp_path / "run" / "trials.sqlite") as store:
        assert len(store.baselines()) == len(BASELINES)
        assert store.trials() == []


def test_help_names_every_flag() -> None:
    finished = search("--helpfull")
    for name in ("run_dir", "data_dir", "seed", "resume", "task", "searcher", "trials", "workers", "executor"):
        assert f"--{name}:" in finished.stdout or f"--[no]{name}:" in finished.stdout


def test_complete_run_and_its_resumption(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = fake_search(*SMALL, f"--run_dir={folder}", "--seed=3")
    assert first.returncode == 0, first.stderr
    for words in ("Leaderboard", "invented data", "model.compile", str(folder / "report.html"), "12/12"):
        assert words in first.stdout.replace("random reference 3/3", "").replace("evolution 9/9", "12/12")
    recorded = json.loads((folder / "config.json").read_text())
    assert recorded["flags"]["seed"] == 3
    assert recorded["flags"]["random_trials"] == 3
    assert recorded["flags"]["epochs"] == 5
    assert recorded["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    written = {"trials.sqlite", "config.json", "report.html", "leaderboard.json", "leaderboard.csv", "differences.csv"}
    assert written | {"run.lock"} == {path.name for path in folder.iterdir()}

    before = (folder / "trials.sqlite").read_bytes()
    check_refused(fake_search(*SMALL, f"--run_dir={folder}"), "resume")
    check_refused(
        fake_search(f"--run_dir={folder}", "--resume", "--seed=4", "--num_groups=2"), "--seed=4", "--num_groups=2"
    )
    check_refused(fake_search(f"--run_dir={folder}", "--resume", "--trials=5"), "--trials=5")
    assert (folder / "trials.sqlite").read_bytes() == before

    grown = fake_search(f"--run_dir={folder}", "--resume", "--trials=20")  # Flags that are not given keep their values.
    assert grown.returncode == 0, grown.stderr
    with Store.read(folder / "trials.sqlite") as store:
        trials = [trial for trial in store.trials() if trial.duplicate_of is None]
        assert len(trials) == 20
        assert {trial.source for trial in trials} == {"random", "evolution"}

    (folder / "trials.sqlite").write_bytes(b"damaged" * 100)
    check_refused(fake_search(f"--run_dir={folder}", "--resume"), "damaged")
    assert (folder / "trials.sqlite").read_bytes() == b"damaged" * 100


@pytest.mark.slow
def test_report_is_rebuilt_and_compares(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for seed, folder in enumerate(folders):
        assert fake_search(*SMALL, f"--run_dir={folder}", f"--seed={seed}").returncode == 0
    (folders[0] / "report.html").unlink()
    for flags, page in (
        ((f"--run_dir={folders[0]}",), folders[0] / "report.html"),
        ((f"--run_dir={folders[0]}", f"--run_dir={folders[1]}"), folders[0] / "comparison.html"),
        ((f"--run_dir={folders[1]}", f"--output={tmp_path / 'page.html'}"), tmp_path / "page.html"),
    ):
        finished = execute(["-m", "experiments.report", *flags], {"TF_CPP_MIN_LOG_LEVEL": "3"})
        assert finished.returncode == 0, finished.stderr
        assert str(page) in finished.stdout
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_report_without_a_run_is_refused(tmp_path: Path) -> None:
    check_refused(execute(["-m", "experiments.report"]), "--run_dir")
    check_refused(
        execute(["-m", "experiments.report", f"--run_dir={tmp_path}"]), "holds no trials.sqlite", str(tmp_path)
    )
    assert list(tmp_path.iterdir()) == []


def test_search_stops_on_a_full_disk_and_can_be_resumed(tmp_path: Path) -> None:
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    flags = [*SMALL, "--trials=200", f"--run_dir={tmp_path / 'run'}"]
    check_refused(execute(["-c", limited, str(FAKE), *flags]), "can no longer be stored", "stays readable", "resume")
    with Store.read(tmp_path / "run" / "trials.sqlite") as store:
        stored = store.trials()
    assert 5 < len(stored) < 200
    assert fake_search(*flags, "--resume").returncode == 0
    with Store.read(tmp_path / "run" / "trials.sqlite") as store:
        assert store.trials()[: len(stored)] == stored
        assert sum(trial.duplicate_of is None for trial in store.trials()) == 200


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_real_run_on_two_workers_equals_one_in_process(tmp_path: Path) -> None:
    flags = ("--trials=8", "--batch_size=4", "--test_seeds=1", "--num_groups=1", "--seed=1", "--epochs=1")
    tables = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        finished = search(*flags, f"--run_dir={folder}", f"--workers={workers}")
        assert finished.returncode == 0, finished.stderr
        with Store.read(folder / "trials.sqlite") as store:
            trainings = [(one.stage, str(one.program), one.seed, one.evaluation.reward) for one in store.trainings()]
            tables.append(
                [
                    *((trial.id, trial.program, trial.reward, trial.status) for trial in store.trials()),
                    *sorted(trainings),
                    (folder / "leaderboard.json").read_text("utf-8"),
                ]
            )
    assert tables[0] == tables[1]
    assert (folder / "workers.log").exists()


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_real_run_that_was_killed_ends_with_the_same_trials(tmp_path: Path) -> None:
    flags = ("--trials=24", "--random_trials=6", "--batch_size=4", "--test_seeds=1", "--num_groups=1", "--workers=1")
    # The controller soon proposes what it has learned.
    flags = (*flags, "--sweep=0.01,0.1", "--searcher=ppo", "--learning_rate=0.01", "--epochs=1")

    def stored(folder: Path) -> list[tuple]:
        if not (folder / "trials.sqlite").exists():
            return []
        with Store.read(folder / "trials.sqlite") as store:
            return [(trial.id, trial.program, trial.reward, trial.duplicate_of) for trial in store.trials()]

    assert search(*flags, f"--run_dir={tmp_path / 'whole'}").returncode == 0
    folder = tmp_path / "killed"
    for more in (3, 6, 5):
        command = [sys.executable, "-m", "experiments.search", *flags, f"--run_dir={folder}", "--resume"]
        target = len(stored(folder)) + more
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while len(stored(folder)) < target and process.poll() is None:
                time.sleep(0.02)
            process.kill()
    assert len(stored(folder)) < len(stored(tmp_path / "whole"))
    assert search(*flags, f"--run_dir={folder}", "--resume").returncode == 0
    assert stored(folder) == stored(tmp_path / "whole")
