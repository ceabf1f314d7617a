"""Writes checkpoints/*.keras: models in mid-training that every later version must load and continue to train.

    python -m tests.backends.make_checkpoints

Slots are saved by position, so a changed order would go unnoticed without these files; they are written only once.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from nos_tf.optimizers import AddSign, PowerSign, ProgramOptimizer, schedules
from tests.backends.linear import RATE, TOTAL, fit, linear

FOLDER = pathlib.Path(__file__).with_name("checkpoints")
DONE = 3  # Steps before the model is saved.

# Factory of the optimizer, and its rule for the twin.
CHECKPOINTS: dict[str, tuple[Callable[[], Any], str]] = {
    "powersign": (
        lambda: PowerSign(RATE, sign_decay="cd", total_steps=TOTAL),
        "exp(cd * sign(g) * sign(m)) * g",
    ),
    "addsign": (lambda: AddSign(schedules.LinearCosineDecay(RATE, TOTAL)), "(1 + sign(g) * sign(m)) * g"),
    "program": (lambda: ProgramOptimizer("drop(adam, 0.3) + gamma", RATE), "drop(adam, 0.3) + gamma"),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (make, _) in CHECKPOINTS.items():
        model = linear(make())
        fit(model, slice(0, DONE))
        model.save(FOLDER / f"{name}.keras")


if __name__ == "__main__":
    main()
