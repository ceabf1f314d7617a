"""A Ray worker with fake trainings; its description holds the environment variables of `fake_worker`."""

import os
from collections.abc import Mapping
from typing import Any

from nos_tf.search.executors.job import Evaluates
from nos_tf.search.executors.ray_worker import RayWorker
from tests.search import fake_worker


class FakeRayWorker(RayWorker):
    def _build(self, description: Mapping[str, Any]) -> Evaluates:
        os.environ.update(description)
        return fake_worker.build(dict(description))
