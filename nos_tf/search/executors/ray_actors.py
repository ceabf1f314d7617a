"""Runs jobs in actors on a Ray cluster: long-lived workers on any of its machines."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nos_tf.common.errors import RunError
from nos_tf.common.versions import versions
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors import crew, ray_cluster
from nos_tf.search.executors.crew import Crew, Worker
from nos_tf.search.executors.job import Job
from nos_tf.search.executors.ray_cluster import Share
from nos_tf.search.executors.ray_worker import RayWorker

# Packages whose versions must match the search's, because results depend on them.
_SAME = ("tensorflow", "keras", "numpy", "scikit-learn")
_LOOK = 5.0  # Seconds between updates of the list of nodes.


class _Actor(Worker):
    """An actor; it first waits for a node with free resources."""

    def __init__(self, handle: Any):
        super().__init__()
        self.handle = handle
        self.node: str | None = None
        self.pid: int | None = None
        self.cause: Exception | None = None
        self.call: Any = handle.arrive.remote()

    def send(self, value: Mapping[str, Any]) -> None:
        self.call = self.handle.perform.remote(dict(value))

    def prepare(self, description: Mapping[str, Any]) -> None:
        self.started = time.monotonic()
        self.call = self.handle.prepare.remote(dict(description))

    def receive(self) -> list[dict[str, Any]] | None:
        """Returns the answer to the current call, or None if the actor is gone."""
        import ray

        call, self.call = self.call, None
        try:
            return [ray.get(call)]
        except ray.exceptions.RuntimeEnvSetupError as error:
            raise RunError(f"A worker cannot start: {' '.join(str(error).split())}") from None
        except ray.exceptions.RayError as error:
            self.cause = error
            return None

    def kill(self) -> None:
        import ray

        with contextlib.suppress(ray.exceptions.RayError):  # It may be gone already.
            ray.kill(self.handle)

    def seconds_left(self, limit: float) -> float:
        return math.inf if self.node is None else super().seconds_left(limit)


class RayActors(Crew[_Actor]):
    """An executor with actors on a Ray cluster.

    Args:
      count: Number of workers; None for as many as fit on the cluster, and more when nodes join.
      description: JSON-serializable description from which a worker builds its evaluator.
      modules: Modules that workers import besides this package.
      trial_timeout: Seconds per job after which a worker counts as hung.
      address: Address of the cluster, as for `ray_cluster.connected`.
      share: Resources of a node that one worker takes.
      worker: Class of the actors.
    """

    def __init__(
        self,
        count: int | None,
        description: Mapping[str, Any],
        modules: Sequence[str],
        trial_timeout: float,
        address: str = ray_cluster.LOCAL,
        share: Share | None = None,
        worker: type[RayWorker] = RayWorker,
    ):
        super().__init__(trial_timeout, "the logs of Ray on its node")
        self._count = count
        self._description = description
        self._modules = ("nos_tf", *modules)
        self._address = address
        self._share = share or Share()
        self._worker = worker
        self._versions = {name: version for name, version in versions().items() if name in _SAME}
        self._room = 0
        self._looked = -math.inf
        self._alone_since: float | None = None  # Time since which no worker has been placed on a node.
        self._connection = contextlib.ExitStack()

    def __enter__(self) -> RayActors:
        connection = ray_cluster.connected(self._address, self._modules, self._share)
        with contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            self._check_room()
            self._connection = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._workers.clear()
        self._connection.close()

    def _check_room(self) -> None:
        nodes = self._look()
        if self._room < (self._count or 1):
            raise RunError(
                f"The Ray cluster has {ray_cluster.describe(nodes)}: room for {self._room} workers of {self._share} "
                "each. Use fewer or smaller workers, or leave their number open to use all resources. Received: "
                f"{'' if self._count is None else f'workers={self._count}, '}worker_cpus={self._share.cpus:g}, "
                f"worker_gpus={self._share.gpus:g}"
            )

    def _look(self) -> dict[str, dict[str, float]]:
        nodes = ray_cluster.nodes()
        self._room = sum(self._share.room(resources) for resources in nodes.values())
        self._looked = time.monotonic()
        return nodes

    def _fill(self, left: int) -> None:
        import ray

        if time.monotonic() - self._looked > _LOOK:
            self._look()
        while len(self._workers) < min(self._room if self._count is None else self._count, left):
            make = ray.remote(self._worker).options(
                num_cpus=self._share.cpus, num_gpus=self._share.gpus, scheduling_strategy="SPREAD"
            )
            self._workers.append(_Actor(make.remote()))

    def _wait(self) -> list[tuple[_Actor, list[dict[str, Any]] | None]]:
        import ray

        calls = {worker.call: worker for worker in self._workers if worker.call is not None}
        limits = [worker.seconds_left(self._limit) for worker in self._workers]
        timeout = max(min([*limits, _LOOK]), 0.0)
        if calls:
            done, others = ray.wait(list(calls), timeout=timeout)
            done += ray.wait(others, num_returns=len(others), timeout=0)[0] if done and others else []
        else:
            done = []
            time.sleep(timeout)
        self._check_placed()
        answers = {calls[call]: calls[call].receive() for call in done}
        hanging = [worker for worker in self._workers if worker.seconds_left(self._limit) <= 0]
        return [*answers.items(), *((worker, None) for worker in hanging if worker not in answers)]

    def _check_placed(self) -> None:
        """Raises RunError if no worker has been placed on a node for too long."""
        if any(worker.node is not None for worker in self._workers):
            self._alone_since = None
            return
        now = time.monotonic()
        self._alone_since = self._alone_since or now
        if now - self._alone_since > crew.START_LIMIT:
            raise RunError(
                f"No node of the Ray cluster has had {self._share} free for {crew.START_LIMIT:g} s; "
                "add nodes or stop other jobs there, then resume the run"
            )

    def _handle(self, worker: _Actor, message: Mapping[str, Any]) -> tuple[Job, Evaluation] | None:
        if "versions" in message:
            self._check_versions(message["versions"])
            worker.node, worker.pid = message["node"], message["pid"]
            worker.prepare(self._description)
            return None
        return super()._handle(worker, message)

    def _whereabouts(self, worker: _Actor) -> str:
        return f"see the logs of Ray on node {worker.node}"

    def _check_versions(self, found: Mapping[str, str]) -> None:
        for name, version in self._versions.items():
            if found[name] != version:
                raise RunError(
                    f"A node of the Ray cluster has {name} {found[name]}, but the search has {version}; install the "
                    "same version there, because results would differ"
                )

    def _remove(self, worker: _Actor) -> tuple[str, bool]:
        import ray

        hangs = worker.cause is None
        worker.kill()
        if hangs:
            reason = f"No result after {worker.limit(self._limit):g} s"
        else:
            reason = f"The worker died ({' '.join(str(worker.cause).split())[:200]})"
        gone = worker.node not in ray_cluster.nodes()
        lost = gone or isinstance(worker.cause, ray.exceptions.ActorUnavailableError)
        if not worker.ready and not lost:
            self._failed_starts += 1
            if self._failed_starts > max(self._count or 0, self._room):
                raise RunError(f"No worker can be started ({reason})")
        return reason, hangs or not lost
