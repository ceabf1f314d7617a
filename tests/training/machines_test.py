"""Two processes that act as two machines, because `TF_CONFIG` says so."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder
from nos_tf.optimizers.keras_compat import FIT_TAKES_SEVERAL_MACHINES
from nos_tf.training import machines
from nos_tf.training.files import Row, read_rows
from tests.training.fake_training import start

STEPS = 2 * 3 * 6  # Two optimizers, three epochs.


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "name"),
    [
        ({"worker": ["a:1", "b:1"]}, "worker", 0, "run"),
        ({"worker": ["a:1", "b:1"]}, "worker", 1, "run-worker-1"),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "chief", 0, "run"),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "worker", 0, "run-worker-0"),
    ],
)
def test_every_machine_has_its_own_run_folder(monkeypatch, cluster, kind, index, name):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}))
    assert machines.own_folder(Path("runs/run")) == Path("runs") / name


@pytest.mark.parametrize("text", ["", "{", "[]", '{"task": {"type": "worker"}}'])
def test_several_machines_need_to_know_each_other(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(RunError, match=r"needs TF_CONFIG .* Received: TF_CONFIG="):
        machines.own_folder(Path("run"))


def test_files_of_the_chief_replace_all_others(tmp_path):
    chief, own = tmp_path / "run", tmp_path / "run-worker-1"
    for folder, files in {
        chief: {"config.json": "{}", "results.json": "new", "trainings/a/checkpoint/ckpt-3": "3"},
        own: {"config.json": "{}", "results.json": "old", "trainings/a/checkpoint/ckpt-2": "2", "trainings/b/x": "b"},
    }.items():
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    with RunFolder(chief, resume=True), RunFolder(own, resume=True) as folder:
        machines.take_over(chief, folder)
    check_held(own, {"config.json": "{}", "results.json": "new", "trainings/a/checkpoint/ckpt-3": "3"})


def check_held(own: Path, expected: dict[str, str]) -> None:
    held = {str(path.relative_to(own)): path.read_text() for path in own.rglob("*") if path.is_file()}
    del held["run.lock"]
    assert held == expected


def test_results_that_the_chief_does_not_have_are_dropped(tmp_path):
    chief, own = tmp_path / "run", tmp_path / "run-worker-1"
    for folder in (chief, own):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    (own / "results.json").write_text("old")
    with RunFolder(own, resume=True) as folder:
        machines.take_over(chief, folder)
    check_held(own, {"config.json": "{}"})


def test_nothing_is_copied_before_there_is_a_run(tmp_path):
    with RunFolder(tmp_path / "run-worker-1", resume=True) as folder:
        machines.take_over(tmp_path / "run", folder)
    assert not list(tmp_path.iterdir())


def test_machines_that_do_not_share_their_files_are_refused(tmp_path):
    own = tmp_path / "run-worker-1"
    own.mkdir()
    (own / "config.json").write_text("{}")
    with (
        RunFolder(own, resume=True) as folder,
        pytest.raises(RunError, match=r"shared file system. Received: .*/run$"),
    ):
        machines.take_over(tmp_path / "run", folder)


class Machines:
    """Both machines of a cluster, training at `folder`."""

    def __init__(self, folder: Path, *flags: str, seconds: float = 0.0):
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
            for one in sockets:
                one.bind(("localhost", 0))
            cluster = {"worker": [f"localhost:{one.getsockname()[1]}" for one in sockets]}
        self.steps = folder.with_name("steps")
        self.processes = []
        for index in range(2):
            environment = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}
            steps = Path(os.devnull) if index else self.steps
            self.processes.append(
                start_training(folder, "--strategy=multi_worker", *flags, seconds=seconds, steps=steps, **environment)
            )

    def wait(self) -> list[tuple[int, str]]:
        """Waits for both processes, and returns their exit codes and error messages."""
        try:
            said = [process.communicate(timeout=300)[1] for process in self.processes]
        finally:  # One without the other may wait forever.
            for process in self.processes:
                process.kill()
        return [(process.returncode, err) for process, err in zip(self.processes, said, strict=True)]


def start_training(folder: Path, *flags: str, **settings: Any) -> subprocess.Popen[str]:
    return start(
        "--batch_size=8", "--epochs=3", "--learning_rates=0.01", "--optimizers=adam,powersign-cd", "--seeds=1",
        f"--run_dir={folder}", *flags, case="experiment_for_replicas", **settings,
    )  # fmt: skip


def histories(folder: Path) -> dict[str, list[Row]]:
    return {path.parent.name: read_rows(path) for path in folder.glob("trainings/*/history.csv")}


def check_same(folder: Path, expected: dict[str, list[Row]]) -> None:
    for own in (folder, folder.with_name(f"{folder.name}-worker-1")):
        found = histories(own)
        assert found.keys() == expected.keys()
        for name, rows in expected.items():
            for row, other in zip(rows, found[name], strict=True):
                assert row == pytest.approx(other, rel=1e-5)


@pytest.fixture(scope="module")
def of_one_machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "run"
    process = start_training(folder)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    found = histories(folder)
    assert [len(rows) for rows in found.values()] == [3, 3]
    return found


needs_several = pytest.mark.skipif(not FIT_TAKES_SEVERAL_MACHINES, reason="Keras 3 does not train on several machines")


@needs_several
def test_two_machines_learn_like_one(tmp_path, of_one_machine):
    for code, err in Machines(tmp_path / "two").wait():
        assert code == 0, err
    check_same(tmp_path / "two", of_one_machine)


def in_the_second_training(folder: Path) -> Machines:
    both = Machines(folder, seconds=0.3)
    while not both.steps.exists() or both.steps.stat().st_size < STEPS // 2 + 9:
        assert all(process.poll() is None for process in both.processes)
        time.sleep(0.05)
    return both


def check_resume(folder: Path, expected: dict[str, list[Row]]) -> None:
    for code, err in Machines(folder, "--resume").wait():
        assert code == 0, err
    check_same(folder, expected)


@needs_several
@pytest.mark.parametrize("asked", [0, 1])
def test_all_stop_when_one_is_asked_to_and_resuming_changes_nothing(tmp_path, of_one_machine, asked):
    both = in_the_second_training(tmp_path / "two")
    both.processes[asked].send_signal(signal.SIGTERM)
    for code, err in both.wait():
        assert code == 0, err
    check_resume(tmp_path / "two", of_one_machine)


@needs_several
@pytest.mark.parametrize("killed", [0, 1])
def test_all_can_resume_after_the_loss_of_one(tmp_path, of_one_machine, killed):
    both = in_the_second_training(tmp_path / "two")
    both.processes[killed].kill()
    code, err = both.wait()[1 - killed]
    assert code == 2, err
    assert err.strip().splitlines()[-1].startswith("Another machine is gone ("), err
    check_resume(tmp_path / "two", of_one_machine)
