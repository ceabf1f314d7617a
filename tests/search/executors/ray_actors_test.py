"""Jobs on a real Ray cluster of one node, with invented trainings."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nos_tf.common.errors import RunError
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Job
from nos_tf.search.executors.ray_actors import RayActors
from nos_tf.search.executors.ray_cluster import Share
from tests.search.executors.worker_processes_test import JOBS, MARKED, alive, check_failure
from tests.search.fakes import FakeEvaluator

ray = pytest.importorskip("ray")

from ray.cluster_utils import Cluster  # noqa: E402

from tests.search.fake_ray_worker import FakeRayWorker  # noqa: E402


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112  The machine may be busy.
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def actors(cluster: Any, count: int | None = 2, trial_timeout: float = 30.0, **variables: str) -> RayActors:
    return RayActors(count, variables, ["tests"], trial_timeout, cluster.address, Share(0.5), FakeRayWorker)


def pids(executor: RayActors) -> list[int]:
    return [worker.pid for worker in executor._workers]


def test_results_equal_in_process_runs_and_no_actor_remains(cluster: Cluster) -> None:
    with actors(cluster) as executor:
        found = {job: evaluation for _ in range(2) for job, evaluation in executor.run(JOBS)}
        workers = pids(executor)
        assert 1 <= len(workers) <= 2
    with InProcess(FakeEvaluator) as local:
        assert found == dict(local.run(JOBS))
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in workers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "message"),
    [("FAKE_CRASH", "The worker died"), ("FAKE_HANG", "No result after"), ("FAKE_RAISE", "no such rule")],
)
def test_only_the_bad_trial_fails(cluster: Cluster, variable: str, message: str) -> None:
    with actors(cluster, trial_timeout=1.0, **{variable: "gamma"}) as executor:
        found = dict(executor.run([*JOBS[:4], MARKED, *JOBS[4:]]))
    check_failure(found.pop(MARKED), message)
    assert {job: evaluation.reward for job, evaluation in found.items()} == {
        job: FakeEvaluator().evaluate(job.program, 5).reward for job in JOBS
    }


@pytest.mark.slow
def test_stopping_to_read_leaves_no_busy_worker(cluster: Cluster) -> None:
    with actors(cluster, FAKE_SECONDS="0.2") as executor:
        next(iter(executor.run(JOBS)))
        assert not executor._busy()
        assert len(list(executor.run(JOBS[:3]))) == 3


@pytest.mark.slow
def test_errors_are_one_line(cluster: Cluster) -> None:
    with (
        pytest.raises(RunError, match=r"4 CPUs on 1 node: room for 8 workers.*Received: workers=9"),
        actors(cluster, 9),
    ):
        pass
    assert not ray.is_initialized()
    with actors(cluster, FAKE_BROKEN="1") as executor, pytest.raises(RunError, match=r"cannot start: OSError: no data"):
        list(executor.run(JOBS))
    with actors(cluster) as executor:
        executor._versions["numpy"] = "0.1"
        with pytest.raises(RunError, match=r"has numpy .*, but the search has 0.1"):
            list(executor.run(JOBS))


@pytest.mark.slow
def test_by_default_workers_fill_the_cluster(cluster: Cluster) -> None:
    with actors(cluster, None) as executor:
        assert len(list(executor.run([Job(n, JOBS[0].program, 5) for n in range(200)]))) == 200
        assert len(executor._workers) == 8


def test_version_of_ray_is_checked(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "__version__", "9.9.9")
    with pytest.raises(RunError, match=r"cannot be used: .*[Vv]ersion.*9\.9\.9"), actors(cluster):
        pass
