"""Two processes that take themselves for two machines, as `TF_CONFIG` tells them."""

import csv
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from nos_tf.optimizers.keras_api import FIT_TAKES_SEVERAL_MACHINES

ROOT = Path(__file__).parents[2]
FLAGS = ("--batch_size=8", "--epochs=3", "--optimizers=adam,powersign-cd", "--learning_rates=0.01", "--seeds=1")

pytestmark = pytest.mark.skipif(not FIT_TAKES_SEVERAL_MACHINES, reason="Keras 3 does not train on several machines")


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def start(*flags: str, machine: int | None = None, ports: list[int] | None = None) -> subprocess.Popen[str]:
    fake = {"FAKE_CASE": "experiment_for_replicas", "FAKE_SECONDS": "0", "FAKE_STEPS": os.devnull}
    environment = {**os.environ, **fake, "OMP_NUM_THREADS": "1"}
    if ports is not None:
        cluster = {"worker": [f"localhost:{port}" for port in ports]}
        environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": machine}})
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.fake_training", *FLAGS, *flags], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait(*processes: subprocess.Popen[str]) -> None:
    try:
        for process in processes:
            _, err = process.communicate(timeout=300)
            assert process.returncode == 0, err
    finally:  # One without the other waits for ever.
        for process in processes:
            process.kill()


def histories(folder: Path) -> dict[str, list[dict[str, float]]]:
    found = {}
    for path in folder.glob("trainings/*/history.csv"):
        rows = csv.DictReader(path.read_text().splitlines())
        found[path.parent.name] = [{name: float(value) for name, value in row.items()} for row in rows]
    return found


def test_two_machines_learn_what_one_does(tmp_path):
    wait(start(f"--run_dir={tmp_path}/one"))
    ports = free_ports(2)
    flags = ("--strategy=multi_worker", f"--run_dir={tmp_path}/two")
    wait(*(start(*flags, machine=number, ports=ports) for number in range(2)))
    one = histories(tmp_path / "one")
    assert [len(rows) for rows in one.values()] == [3, 3]
    for folder in ("two", "two-worker-1"):  # Each machine has a folder of its own.
        two = histories(tmp_path / folder)
        assert two.keys() == one.keys()
        for name, rows in one.items():
            for row, other in zip(rows, two[name], strict=True):
                assert row == pytest.approx(other, rel=1e-5)
