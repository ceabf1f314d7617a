"""A script of the training harness on invented points, which can be watched and slowed from outside.

FAKE_CASE names a function of `study_case`, FAKE_STEPS a file that grows by a byte with every step; FAKE_SECONDS makes
each step take its time.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from nos_tf.training import command

ROOT = Path(__file__).parents[2]


def start(
    *flags: str, case: str = "experiment", seconds: float = 0.0, steps: Path = Path(os.devnull), **environment: str
) -> subprocess.Popen[str]:
    """This script as a process of its own, on one thread."""
    fake = {"FAKE_CASE": case, "FAKE_SECONDS": str(seconds), "FAKE_STEPS": str(steps)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.fake_training", *flags], cwd=ROOT,
        env={**os.environ, **fake, "OMP_NUM_THREADS": "1", **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def define() -> None:
    command.define(("adam", "powersign-cd"), epochs=4, batch_size=5, seeds=2)


def make_experiment(values):
    from nos_tf.training.progress import Progress
    from tests.training import study_case

    def watched(self, step, loss, on_step=Progress.on_step):
        on_step(self, step, loss)
        with Path(os.environ["FAKE_STEPS"]).open("ab") as file:
            file.write(b".")
        time.sleep(float(os.environ["FAKE_SECONDS"]))

    Progress.on_step = watched  # type: ignore[method-assign]
    return getattr(study_case, os.environ["FAKE_CASE"])(values["epochs"])


if __name__ == "__main__":
    command.main(
        "case", define, make_experiment, ("final_val_accuracy", "best_test_accuracy"), ("loss", "val_accuracy")
    )
