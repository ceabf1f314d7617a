import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.dsl import SearchSpace
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Job
from nos_tf.search.executors.worker_processes import WorkerProcesses
from tests.search.fakes import FakeEvaluator, reward_of

WORKER = Path(__file__).parents[1] / "fake_worker.py"
RNG = np.random.default_rng(0)
SPACE = SearchSpace(num_groups=1, operands=("g", "m", "v"))
JOBS = [Job(number, SPACE.sample(RNG), seed=5) for number in range(12)]
MARKED = Job(100, nos_tf.parse("gamma * g"), seed=5)  # A rule that makes workers fail.


def workers(tmp_path: Path, count: int = 2, trial_timeout: float = 30.0) -> WorkerProcesses:
    return WorkerProcesses(count, {}, tmp_path / "workers.log", trial_timeout, (sys.executable, str(WORKER)))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_results_equal_in_process_runs(tmp_path: Path) -> None:
    training = Job(50, nos_tf.parse("m"), seed=8, learning_rate=0.5, split="test", long=True)
    jobs = [*JOBS, training, dataclasses.replace(training, id=51, long=False)]
    with workers(tmp_path) as executor:
        found = {job: evaluation for _ in range(2) for job, evaluation in executor.run(jobs)}
    with InProcess(FakeEvaluator) as executor:
        expected = dict(executor.run(jobs))
    assert found == expected
    assert len(expected[training].history) > len(expected[jobs[-1]].history) > 0
    assert "must not reach" in (tmp_path / "workers.log").read_text()


def test_two_workers_share_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "0.2")
    with workers(tmp_path) as executor:
        list(executor.run(JOBS[:2]))
        started = time.monotonic()
        assert len(list(executor.run(JOBS[:8]))) == 8
        assert time.monotonic() - started < 0.75 * 8 * 0.2


def check_failure(evaluation: Evaluation, message: str) -> None:
    assert evaluation.status == "failed"
    assert evaluation.reward == 0.0
    assert message in evaluation.message


@pytest.mark.parametrize(
    ("variable", "message", "tries"),
    [("FAKE_CRASH", "exit code -9", 2), ("FAKE_HANG", "No result after 0.7 s", 2), ("FAKE_RAISE", "no such rule", 1)],
)
def test_only_the_bad_trial_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, message: str, tries: int
) -> None:
    monkeypatch.setenv(variable, "gamma")
    with workers(tmp_path, trial_timeout=0.7) as executor:
        found = dict(executor.run([*JOBS[:4], MARKED, *JOBS[4:]]))
    check_failure(found.pop(MARKED), message)
    assert {job: evaluation.reward for job, evaluation in found.items()} == {
        job: FakeEvaluator().evaluate(job.program, 5).reward for job in JOBS
    }
    # Each attempt prints one line.
    assert (tmp_path / "workers.log").read_text().count("must not reach") == len(JOBS) + tries


def test_worker_that_dies_once_costs_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_CRASH_ONCE", str(tmp_path / "crashed"))
    with workers(tmp_path, count=1) as executor:
        found = dict(executor.run([MARKED]))
    assert found[MARKED].status != "failed"
    assert (tmp_path / "crashed").exists()


def test_worker_killed_between_two_calls_is_replaced(tmp_path: Path) -> None:
    with workers(tmp_path) as executor:
        list(executor.run(JOBS[:2]))
        os.kill(executor._workers[0].process.pid, signal.SIGKILL)
        assert len(dict(executor.run(JOBS))) == len(JOBS)


def test_worker_that_cannot_be_built_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BROKEN", "1")
    with workers(tmp_path) as executor, pytest.raises(RunError, match=r"cannot start: OSError: no data"):
        list(executor.run(JOBS))


def test_worker_that_dies_on_startup_ends_the_search(tmp_path: Path) -> None:
    with (
        WorkerProcesses(1, {}, tmp_path / "log", 30.0, (sys.executable, "-c", "exit(7)")) as executor,
        pytest.raises(RunError, match=r"No worker can be started .*exit code 7"),
    ):
        list(executor.run(JOBS))


def test_no_worker_outlives_the_executor(tmp_path: Path) -> None:
    with workers(tmp_path) as executor:
        next(iter(executor.run(JOBS)))
        pids = [worker.process.pid for worker in executor._workers]
    assert not any(alive(pid) for pid in pids)


def test_no_worker_outlives_a_killed_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HANG", "gamma")
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.search.executors.worker_processes_test import *\n"
        "executor = workers(Path(sys.argv[1])).__enter__()\n"
        "list(executor.run(JOBS[:2]))\n"
        "print(*[worker.process.pid for worker in executor._workers], flush=True)\n"
        "list(executor.run([MARKED]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as search:
        assert search.stdout is not None
        pids = [int(pid) for pid in search.stdout.readline().split()]
        assert len(pids) == 2
        search.kill()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


def test_exception_in_process_is_a_failed_trial() -> None:
    class Broken(FakeEvaluator):
        def evaluate(self, program, seed):
            if "gamma" in program.tokens:
                raise ValueError("no such rule")
            return super().evaluate(program, seed)

    built = []

    def build() -> FakeEvaluator:
        built.append(1)
        return Broken()

    with InProcess(build) as executor:
        found = dict(executor.run([*JOBS, MARKED]))
        list(executor.run(JOBS))
    assert built == [1]
    check_failure(found[MARKED], "no such rule")
    assert max(evaluation.reward for evaluation in found.values()) == max(
        reward_of(job.program) for job, evaluation in found.items() if evaluation.status == "trained"
    )
