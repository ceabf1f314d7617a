"""A worker process with fake trainings; FAKE_CRASH, FAKE_HANG and FAKE_RAISE name operands that trigger a failure."""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from nos_tf.dsl import Program
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors import worker
from tests.search.fakes import FakeEvaluator


class Troublesome(FakeEvaluator):
    def evaluate(self, program: Program, seed: int) -> Evaluation:
        print("this must not reach the search as a result")
        if os.environ.get("FAKE_CRASH") in program.tokens:
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get("FAKE_HANG") in program.tokens:
            time.sleep(1_000)
        if os.environ.get("FAKE_RAISE") in program.tokens:
            raise ValueError("no such rule")
        once = os.environ.get("FAKE_CRASH_ONCE")
        if once and not Path(once).exists():
            Path(once).touch()
            os._exit(3)
        return super().evaluate(program, seed)


def build(description: dict) -> Troublesome:
    if "FAKE_BROKEN" in os.environ:
        raise OSError("no data")
    return Troublesome(float(os.environ.get("FAKE_SECONDS", "0")))


if __name__ == "__main__":
    worker.serve(build)
