"""A worker on a Ray cluster, run as an actor. All arguments and results are plain data."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from nos_tf.common.errors import summary
from nos_tf.common.versions import versions
from nos_tf.search.executors.job import Evaluates, Job, failure, perform
from nos_tf.search.executors.setup import EvaluatorSetup


class RayWorker:
    """Builds its evaluator once, then trains rules; keeps no results."""

    def __init__(self) -> None:
        self._evaluator: Evaluates | None = None

    def arrive(self) -> dict[str, Any]:
        """Returns the worker's node, process id and package versions, without loading TensorFlow."""
        import ray

        return {"node": ray.get_runtime_context().get_node_id(), "pid": os.getpid(), "versions": versions()}

    def prepare(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """Builds the evaluator; returns that it is ready, or the error."""
        try:
            self._evaluator = self._build(description)
        except Exception as error:
            return {"error": summary(error)}
        return {"ready": True}

    def perform(self, data: dict[str, Any]) -> dict[str, Any]:
        """Runs one job."""
        assert self._evaluator is not None
        job = Job.from_json(data)
        started = time.monotonic()
        try:
            evaluation = perform(self._evaluator, job)
        except Exception as error:
            evaluation = failure(summary(error), time.monotonic() - started)
        return {"id": job.id, "evaluation": evaluation.to_json()}

    def _build(self, description: Mapping[str, Any]) -> Evaluates:
        return EvaluatorSetup.from_json(description).build()
