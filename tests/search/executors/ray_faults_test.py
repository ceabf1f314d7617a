"""Whatever happens to a Ray cluster during a run, the search ends with the trials of an undisturbed run."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.search.kill_test import finish, start, stored, table, wait_for

pytest.importorskip("ray")

from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow
TRAINING = 0.1  # Seconds.
MARK = f"NOS_TF_TEST_PROCESS={os.getpid()}"  # In the environment of this test process's clusters.


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(start(folder, workers=1))
    return without_seconds(table(folder))


def without_seconds(rows: list[tuple]) -> list[tuple]:
    """Removes the durations, which invented trainings report as configured."""
    return [tuple(each.replace(seconds=0.0) if hasattr(each, "seconds") else each for each in row) for row in rows]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head without cores, and a node with two."""
    os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112  The machine may be busy.
    os.environ.update([MARK.split("=")])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


def search(
    folder: Path, cluster: Cluster, workers: int | None = 2, *flags: str, seconds: float = TRAINING
) -> subprocess.Popen[bytes]:
    return start(folder, workers, seconds, ["--executor=ray", f"--ray_address={cluster.address}", *flags])


def actors() -> list[int]:
    """Returns the PIDs of a search's workers, without those of tests in other processes."""
    found = subprocess.run(["pgrep", "-f", "^ray::FakeRayWorker"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split() if MARK in environment(pid)]


def environment(pid: str) -> list[str]:
    try:
        return Path("/proc", pid, "environ").read_text().split("\0")
    except OSError:  # The process has ended.
        return []


def kill_worker(cluster: Cluster) -> None:
    os.kill(actors()[0], signal.SIGKILL)


def stop_worker(cluster: Cluster) -> None:
    os.kill(actors()[0], signal.SIGSTOP)


def kill_node(cluster: Cluster) -> None:
    cluster.remove_node(sorted(cluster.worker_nodes, key=lambda node: node.unique_id)[0], allow_graceful=False)


@pytest.mark.parametrize("fault", [kill_worker, stop_worker, kill_node])
def test_fault_costs_no_trial(
    tmp_path: Path, cluster: Cluster, undisturbed: list[tuple], fault: Callable[[Cluster], None]
) -> None:
    cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    process = search(tmp_path, cluster, 4, "--trial_timeout=3")
    wait_for(tmp_path, process, 20)
    assert process.poll() is None, process.communicate()
    before = stored(tmp_path)
    fault(cluster)
    if fault is kill_node:
        cluster.add_node(num_cpus=2)  # The missing workers wait for this node.
    finish(process)
    assert without_seconds(table(tmp_path)) == undisturbed
    assert before <= stored(tmp_path)  # Nothing was lost, and no trial was run twice.
    assert not actors()


def test_node_that_joins_late_is_used(tmp_path: Path, cluster: Cluster, undisturbed: list[tuple]) -> None:
    process = search(tmp_path, cluster, None, seconds=2.0)
    wait_for(tmp_path, process, 4)
    assert len(actors()) == 2
    cluster.add_node(num_cpus=2)
    wait = time.monotonic() + 60
    while len(actors()) < 4 and process.poll() is None and time.monotonic() < wait:
        time.sleep(0.1)
    assert len(actors()) == 4
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    finish(start(tmp_path, 2, TRAINING, ["--executor=processes"]))
    assert without_seconds(table(tmp_path)) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_search_leaves_no_actor_and_continues_elsewhere(
    tmp_path: Path, cluster: Cluster, undisturbed: list[tuple], number: int
) -> None:
    process = search(tmp_path, cluster)
    wait_for(tmp_path, process, 20)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().count("\n") == 1
    assert "--resume" in errors.decode()
    assert not actors()
    finish(start(tmp_path, 2, TRAINING, ["--executor=processes"]))
    assert without_seconds(table(tmp_path)) == undisturbed


def test_killed_search_continues(tmp_path: Path, cluster: Cluster, undisturbed: list[tuple]) -> None:
    process = search(tmp_path, cluster)
    wait_for(tmp_path, process, 20)
    process.kill()
    process.communicate()
    finish(search(tmp_path, cluster))
    assert without_seconds(table(tmp_path)) == undisturbed
    assert not actors()


def test_search_continues_after_the_head_died(tmp_path: Path, cluster: Cluster, undisturbed: list[tuple]) -> None:
    process = search(tmp_path, cluster)
    wait_for(tmp_path, process, 20)
    cluster.remove_node(cluster.head_node, allow_graceful=False)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors.decode()
    assert errors.decode().startswith("The head of the Ray cluster is gone.")
    assert errors.decode().count("\n") == 1
    finish(start(tmp_path, 2, TRAINING, ["--executor=processes"]))
    assert without_seconds(table(tmp_path)) == undisturbed
