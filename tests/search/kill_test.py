"""A run that is killed at random moments ends with the trials of one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nos_tf.search.store import Store
from nos_tf.search.trial import Trial

SEARCH = Path(__file__).with_name("fake_search.py")
KILLS = 20
FLAGS = ["--searcher=evolution", "--trials=60", "--num_groups=1", "--operands=g,m,v", "--batch_size=4"]
FLAGS += ["--population_size=8", "--test_seeds=2"]


def start(folder: Path, workers: int, seconds: float = 0.02) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SEARCH), *FLAGS, f"--run_dir={folder}", f"--workers={workers}", "--resume"]
    environment = {**os.environ, "FAKE_SECONDS": str(seconds)}
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        # Whoever starts the tests in the background of a shell has them, and all that they start, ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def table(folder: Path) -> list[tuple]:
    with Store.read(folder / "trials.sqlite") as store:
        trials = store.trials()
        return [
            *(
                (t.id, t.source, t.batch, t.program, t.key, t.fingerprint, t.reward, t.evaluation, t.duplicate_of)
                for t in trials
            ),
            *((b.number, b.source, b.metrics) for b in store.batches()),
            *sorted((b.name, b.evaluation.reward) for b in store.baselines()),
            *sorted((t.program.tokens, t.seed, t.evaluation.test_accuracy) for t in store.tests()),
        ]


def stored(folder: Path) -> list[Trial]:
    path = folder / "trials.sqlite"
    if not path.exists():
        return []
    with Store.read(path) as store:
        return [trial for trial in store.trials() if trial.evaluation is not None]


def wait_for(folder: Path, process: subprocess.Popen[bytes], trials: int) -> None:
    """Waits until so many trials are stored, or the process has ended."""
    while len(stored(folder)) < trials and process.poll() is None:
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_run_ends_with_the_same_trials(tmp_path: Path, workers: int) -> None:
    finish(start(tmp_path / "whole", workers=1))
    whole = table(tmp_path / "whole")
    moments = random.Random(workers)
    kills = 0
    for run in range(KILLS):
        folder = tmp_path / f"killed{run}"
        before: list[Trial] = []
        for _ in range(10):
            process = start(folder, workers)
            # While it starts, at the beginning, in the middle, or close to the end, however fast this machine is.
            wait_for(folder, process, len(before) + moments.choice([0, 1, 3, 6, 12]))
            time.sleep(moments.uniform(0.0, 0.1))
            kills += process.poll() is None
            process.kill()
            process.communicate()
            after = stored(folder)
            assert {trial.id for trial in before} <= {trial.id for trial in after}
            before = after
        finish(start(folder, workers))
        assert table(folder) == whole
        created = {trial.id: trial.created for trial in stored(folder)}
        assert all(created[trial.id] == trial.created for trial in before)  # None was run again.
        if kills >= KILLS:
            break
    assert kills >= KILLS


def test_interrupted_run_says_that_it_is_saved_and_goes_on(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(tmp_path / "run", workers=1, seconds=0.3)  # 18 seconds in all, so that the signal comes first.
        wait_for(tmp_path / "run", process, len(stored(tmp_path / "run")) + 5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert errors.decode().count("\n") == 1
        assert "--resume" in errors.decode()
    finish(start(tmp_path / "run", workers=1))
    assert len(stored(tmp_path / "run")) == 60
