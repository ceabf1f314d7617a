"""The optimizers under test, by name."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import tensorflow as tf

from nos_tf import optimizers
from tests.dsl.numpy_twin import random_programs

TOTAL_STEPS = 20
_GROUP_SIZE = 24  # Subjects that share a traced function.

# A new optimizer is one more line: its name, and a factory that takes `learning_rate` and Keras' own arguments.
SUBJECTS: dict[str, Callable[..., tf.keras.optimizers.Optimizer]] = {
    **{name: functools.partial(optimizers.get, name, total_steps=TOTAL_STEPS) for name in optimizers.names()},
    "decays-noise": functools.partial(
        optimizers.ProgramOptimizer, "(rd * gamma + annealed_noise) * ld", total_steps=20
    ),
    **{
        f"random-{number}": functools.partial(optimizers.ProgramOptimizer, program, total_steps=TOTAL_STEPS)
        for number, program in enumerate(random_programs(200, seed=0))
    },
}

ZOO = optimizers.names()
FAST = ("adam", "powersign-cd", "addsign2-rd20", "g-plus-drop-m", "decays-noise", "random-2", "random-3")


def _groups(names: tuple[str, ...]) -> list:
    chunks = [names[start : start + _GROUP_SIZE] for start in range(0, len(names), _GROUP_SIZE)]
    slow = [pytest.param(chunk, id=f"{chunk[0]}..{chunk[-1]}", marks=pytest.mark.slow) for chunk in chunks]
    return [pytest.param(FAST, id="fast"), *slow]


# The session scope makes tests run group by group, so that they share traced functions.
over_groups = pytest.mark.parametrize("names", _groups(tuple(SUBJECTS)), scope="session")
over_zoo = pytest.mark.parametrize("names", _groups(ZOO), scope="session")
over_subjects = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FAST[:3] else pytest.mark.slow) for name in SUBJECTS]
)
