"""A script that runs the training harness on synthetic points and can be observed and slowed down from outside.

FAKE_CASE names a function in `study_case`, FAKE_STEPS a file that grows by one byte per step, and FAKE_SECONDS is the
duration of a step.
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
    """Starts this script in a single-threaded process."""
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
