"""A script of the training harness on invented points; FAKE_SECONDS makes each step take its time."""

import os
import time

from nos_tf.commands import training


def define() -> None:
    training.define(("adam", "powersign-cd"), epochs=4, batch_size=5, seeds=2)


def make_experiment(values):
    from nos_tf.training.progress import Progress
    from tests.training import study_case

    def slow(self, step, loss, on_step=Progress.on_step):
        on_step(self, step, loss)
        time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))

    Progress.on_step = slow  # type: ignore[method-assign]
    return study_case.experiment(values["epochs"])


if __name__ == "__main__":
    training.main(
        "case", define, make_experiment, ("final_val_accuracy", "best_test_accuracy"), ("loss", "val_accuracy")
    )
