"""The real command with invented trainings, for tests that need a process of its own: `python fake_search.py --flags`.

FAKE_SECONDS in the environment is how long a training takes.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from nos_tf.search import command
from nos_tf.search.executors import worker_processes
from nos_tf.search.executors.setup import EvaluatorSetup
from tests.search.fakes import DATA_LABEL, TASK, FakeEvaluator

EvaluatorSetup.get_task = lambda self: TASK
EvaluatorSetup.describe_data = lambda self: DATA_LABEL
EvaluatorSetup.check = lambda self: []
EvaluatorSetup.build = lambda self: FakeEvaluator(float(os.environ.get("FAKE_SECONDS", "0")))
worker_processes.COMMAND = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))

if __name__ == "__main__":
    command.main()
