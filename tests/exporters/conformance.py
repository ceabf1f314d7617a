"""Compares exported files with the float64 NumPy twin."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

import numpy as np

from nos_tf.dsl import Program
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.dsl.primitives import UNARY
from nos_tf.exporters import export
from nos_tf.exporters.subject import subject
from tests.dsl import numpy_twin

STEPS, SIZE, RATE = 100, 12, 0.5
RANDOM_STEPS, RANDOM_SIZE, COPIES = 3, 6, 4000
_PERTURBATIONS = 8

# Named rules, and rules with numbers that change from step to step but are the same for all weights.
RULES = (
    *NAMED_RULES,
    "b1 = log(cd) - 2; log(b1) ** clip(b1, 1e-4)",
    "b1 = -ld + log(ld); b2 = -m - clip(1, 1e-4); exp(b1) / log(b1)",
    "2 ** (1 / (1 + ld)) * g",
    "b1 = sign(rd) * cd; b2 = b1 ** m; clip(b1, 1e-3) + b2",
    "sqrt(ld) ** -1 * g",
)
RANDOM_PROGRAMS = tuple(numpy_twin.random_programs(200, seed=16))


def is_random(program: Program) -> bool:
    sides = [side for index in program.live_groups for side in program.groups[index].sides()]
    return any(UNARY[unary].stochastic or "noise" in name for _, name, unary in sides)


def programs(rules: Sequence[str | Program], random: bool) -> list[Program]:
    parsed = [subject(rule).program for rule in rules]
    return [program for program in parsed if is_random(program) == random]


def gradients(steps: int, size: int) -> np.ndarray:
    """Returns gradients of different magnitudes that change sign, are sometimes zero, and always in one position."""
    rng = np.random.default_rng(3)
    drawn = rng.standard_normal([steps, size]) * 10.0 ** rng.uniform(-2.0, 0.3, size)
    drawn[rng.uniform(size=drawn.shape) < 0.02] = 0.0
    drawn[:, 0] = 0.0
    return drawn


def trained(
    framework: str,
    folder: pathlib.Path,
    rules: Sequence[Program],
    trace: dict[str, np.ndarray],
    target: str,
    compile: bool,
) -> list[np.ndarray]:
    """Returns the weights after each step with each exported rule, computed in a process that cannot import nos_tf."""
    folder.mkdir(parents=True)
    manifest = []
    for index, rule in enumerate(rules):
        name, found = f"rule_{index:03}", subject(rule)
        (folder / f"{name}.py").write_text(export(rule, to=target or framework), "utf-8")
        arguments = {"total_steps": STEPS} if rule.needs_total_steps else {}
        entry = {"file": name, "class": found.class_name, "function": found.function_name, "arguments": arguments}
        entry["compile"] = compile
        manifest.append(entry)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    np.savez(folder / "trace.npz", **trace)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    script = pathlib.Path(__file__).with_name("follow.py")
    command = [sys.executable, str(script), framework, str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    with np.load(folder / "result.npz") as result:
        return [result[entry["file"]] for entry in manifest]


def check(
    framework: str,
    folder: pathlib.Path,
    rules: Sequence[str | Program],
    target: str = "",
    precision: float = 1e-13,
    compile: bool = True,
) -> None:
    """Checks that each rule's export matches the twin: step by step, or in distribution if it is random.

    Args:
      framework: Name of a function in `follow.py`.
      folder: Empty folder.
      rules: Names or programs.
      target: Target of the export, if it differs from the framework's name.
      precision: Relative error of a step of the framework in double precision.
      compile: Whether to compile the steps, if the follower has a choice.
    """
    exact, random = programs(rules, random=False), programs(rules, random=True)
    start = np.random.default_rng(4).standard_normal(SIZE)
    trace = {"gradients": gradients(STEPS, SIZE), "weights": start, "rate": np.float64(RATE)}
    followed = trained(framework, folder / "exact", exact, trace, target, compile)
    for program, weights in zip(exact, followed, strict=True):
        expected, known = trajectory(program, precision)
        assert known.mean() > 0.5, program
        where = f"{program} in {framework}"
        np.testing.assert_allclose(
            weights[known], expected[known], rtol=min(1e6 * precision, 1e-3), atol=1e4 * precision, err_msg=where
        )
    once = gradients(RANDOM_STEPS, RANDOM_SIZE)
    trace = {
        "gradients": np.repeat(once, COPIES, axis=1),
        "weights": np.repeat(start[:RANDOM_SIZE], COPIES),
        "rate": np.float64(RATE),
    }
    followed = trained(framework, folder / "random", random, trace, target, compile)
    for program, weights in zip(random, followed, strict=True):
        check_distribution(program, trace, weights, precision, f"{program} in {framework}")


@functools.cache
def trajectory(program: Program, precision: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights after each step of a deterministic rule, and a mask of those that do not depend on rounding.

    A weight does not depend on rounding if slightly changed gradients leave it the same.
    """
    rng = np.random.default_rng(0)
    given = gradients(STEPS, SIZE)
    changes = 1.0 + precision * rng.standard_normal([STEPS, 1 + _PERTURBATIONS, SIZE])
    changes[:, 0] = 1.0
    start = np.random.default_rng(4).standard_normal(SIZE)
    weights = np.broadcast_to(start, changes.shape[1:]).copy()
    averages = numpy_twin.Averages.zeros(weights.shape)
    steps = []
    with np.errstate(all="ignore"):
        for gradient, change in zip(given, changes, strict=True):
            operands = averages.operands(gradient * change, weights, total_steps=STEPS)
            # Only unused groups draw masks.
            update = numpy_twin.update(program, operands, lambda rate, site: np.ones(SIZE, bool))
            weights = weights - RATE * update
            steps.append(weights)
        found = np.stack(steps)
        same = np.isclose(found[:, :1], found[:, 1:], rtol=1e4 * precision, atol=1e2 * precision, equal_nan=True).all(
            axis=1
        )
    return found[:, 0], np.logical_and.accumulate(same, axis=0)


def check_distribution(
    program: Program, trace: dict[str, np.ndarray], weights: np.ndarray, precision: float, where: str
) -> None:
    """Checks that the copies of every weight have the same distribution as the twin's with NumPy's random numbers."""
    rng = np.random.default_rng(1)
    expected = trace["weights"]
    averages = numpy_twin.Averages.zeros(expected.shape)
    for step, gradient in enumerate(trace["gradients"]):
        shape = expected.shape
        draws = {"normal": rng.standard_normal(shape), "normal2": rng.standard_normal(shape)}
        operands = averages.operands(gradient, expected, total_steps=STEPS, **draws)
        masks: dict[int, np.ndarray] = {}

        def keep(rate: float, site: int, masks: dict[int, np.ndarray] = masks, shape=shape) -> np.ndarray:
            return masks.setdefault(site, rng.uniform(size=shape) >= rate)

        with np.errstate(all="ignore"):
            expected = expected - RATE * numpy_twin.update(program, operands, keep)
        for one, other in zip(
            weights[step].reshape(RANDOM_SIZE, COPIES), expected.reshape(RANDOM_SIZE, COPIES), strict=True
        ):
            assert distance(one, other, precision) < 0.06, f"{where}, step {step}"


def distance(one: np.ndarray, other: np.ndarray, precision: float) -> float:
    """Returns the Kolmogorov-Smirnov distance between two samples, up to rounding.

    Two samples of 4,000 values from the same distribution exceed 0.06 with a probability below 1e-6.
    """
    one, other = (np.sort(np.nan_to_num(sample, nan=1e300, posinf=1e299, neginf=-1e299)) for sample in (one, other))
    worst = 0.0
    for first, second in ((one, other), (other, one)):
        slack = max(1e-6, 1e4 * precision) * np.abs(first) + 1e4 * precision
        below = np.searchsorted(second, first + slack, side="right") / len(second)
        at_least = np.arange(1, len(first) + 1) / len(first)
        worst = max(worst, float((at_least - below).max()))
    return worst
