"""The real command with fake trainings, for tests that need a separate process: `python fake_search.py --flags`.

The environment variable FAKE_SECONDS sets the duration of a training, also on a Ray cluster.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from nos_tf.search import command, run
from nos_tf.search.executors import worker_processes
from nos_tf.search.executors.ray_actors import RayActors
from nos_tf.search.executors.setup import EvaluatorSetup
from tests.search.fake_ray_worker import FakeRayWorker
from tests.search.fakes import DATA_LABEL, TASK, FakeEvaluator

EvaluatorSetup.get_task = lambda self: TASK
EvaluatorSetup.describe_data = lambda self: DATA_LABEL
EvaluatorSetup.check_task = lambda self: []
EvaluatorSetup.build = lambda self: FakeEvaluator(float(os.environ.get("FAKE_SECONDS", "0")))
worker_processes.COMMAND = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))


class FakeActors(RayActors):
    def __init__(self, count, description, modules, *settings):
        variables = {name: value for name, value in os.environ.items() if name.startswith("FAKE_")}
        super().__init__(count, variables, ["tests"], *settings, worker=FakeRayWorker)


run.RayActors = FakeActors

if __name__ == "__main__":
    command.main()
