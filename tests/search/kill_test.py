"""A run that is killed at random moments ends with the trials of an uninterrupted one."""

import collections
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from nos_tf.search import race
from nos_tf.search.store import Store

SEARCH = Path(__file__).with_name("fake_search.py")
KILLS = 20
FLAGS = ["--searcher=evolution", "--trials=60", "--num_groups=1", "--operands=g,m,v", "--batch_size=4"]
FLAGS += ["--population_size=8", "--test_seeds=2"]


def start(
    folder: Path, workers: int | None, seconds: float = 0.005, flags: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SEARCH), *FLAGS, f"--run_dir={folder}", "--resume", *flags]
    if workers is not None:
        command.append(f"--workers={workers}")
    environment = {**os.environ, "FAKE_SECONDS": str(seconds)}
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        # If the tests run in the background of a shell, they and their children would ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors.decode()


def table(folder: Path) -> list[tuple]:
    with Store.read(folder / "trials.sqlite") as store:
        trials, trainings = store.trials(), store.trainings()
        return [
            *(
                (t.id, t.source, t.batch, t.program, t.key, t.fingerprint, t.reward, t.evaluation, t.duplicate_of)
                for t in trials
            ),
            *((b.number, b.source, b.metrics) for b in store.batches()),
            *sorted((b.name, b.evaluation.reward) for b in store.baselines()),
            *sorted((t.stage, t.program.tokens, t.seed, t.learning_rate, t.evaluation.reward) for t in trainings),
            store.description()["finalists"],
        ]


def stored(folder: Path) -> set[tuple]:
    """Returns all results in the store, of whatever kind, and the creation time of each trial."""
    path = folder / "trials.sqlite"
    if not path.exists():
        return set()
    with Store.read(path) as store:
        return {
            *((trial.id, trial.created) for trial in store.trials() if trial.evaluation is not None),
            *((baseline.name,) for baseline in store.baselines()),
            *((one.stage, one.program, one.seed, one.learning_rate) for one in store.trainings()),
        }


def stage(results: set[tuple]) -> str:
    """Returns the latest stage of the race with results, or "search" before the race."""
    stages = {result[0] for result in results if len(result) == 4}
    return next((stage for stage in reversed(race.STAGES) if stage in stages), "search")


def wait_for(folder: Path, process: subprocess.Popen[bytes], results: int) -> None:
    """Waits until this many results are stored, or the process has ended."""
    while len(stored(folder)) < results and process.poll() is None:
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_run_ends_with_the_same_results(tmp_path: Path, workers: int) -> None:
    finish(start(tmp_path / "whole", workers=1))
    whole = table(tmp_path / "whole")
    moments = random.Random(workers)
    kills: collections.Counter[str] = collections.Counter()  # By stage.
    for run in range(KILLS):
        folder = tmp_path / f"killed{run}"
        before: set[tuple] = set()
        for _ in range(10):
            process = start(folder, workers)
            # Anywhere from the start to the end of the race, regardless of the speed of the machine.
            wait_for(folder, process, len(before) + moments.choice([0, 1, 6, 30, 60, 120, 240]))
            time.sleep(moments.uniform(0.0, 0.1))
            is_alive = process.poll() is None
            process.kill()
            process.communicate()
            after = stored(folder)
            kills[stage(after)] += is_alive
            assert before <= after  # Nothing was lost, and no trial was run twice.
            before = after
        finish(start(folder, workers))
        assert table(folder) == whole
        assert before <= stored(folder)
        if kills.total() >= KILLS and len(+kills) >= 4:
            break
    assert kills.total() >= KILLS
    assert len(+kills) >= 4, kills


def test_interrupted_run_says_that_it_is_saved_and_continues(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(tmp_path / "run", workers=1, seconds=0.3)  # Takes 18 seconds, so the signal comes first.
        wait_for(tmp_path / "run", process, len(stored(tmp_path / "run")) + 5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert errors.decode().count("\n") == 1
        assert "--resume" in errors.decode()
    finish(start(tmp_path / "run", workers=1))
    assert sum(isinstance(first, int) for first, *_ in stored(tmp_path / "run")) == 60  # Trials.
