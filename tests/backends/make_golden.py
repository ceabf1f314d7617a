"""Writes golden.json: 100 steps of every named rule and of 100 random rules in float64, computed by the NumPy twin.

    python -m tests.backends.make_golden

Random rules are only used if they do not depend on rounding, that is, if the path stays the same when the last digits
of each operand change. The file records for each rule whether this also holds for float32.
"""

from __future__ import annotations

import itertools
import json
import pathlib
from typing import Any

import numpy as np

from nos_tf.dsl import Program, parse
from nos_tf.dsl.named_rules import NAMED_RULES
from tests.backends.twin import Twin
from tests.dsl.numpy_twin import random_programs

GOLDEN = pathlib.Path(__file__).with_name("golden.json")
SHAPES = ((3, 2), (2,))
STEPS, KEPT = 100, (1, 10, 100)
RATE = 2.0**-7
COUNT = 100
_SINGLE = 1e-8  # Larger changes represent single precision.
_SIZES = tuple(int(np.prod(shape)) for shape in SHAPES)


def path(
    program: Program, weights: np.ndarray, gradients: np.ndarray, epsilon: float = 0.0, total: float = STEPS
) -> np.ndarray:
    """Returns the weights after the kept steps; gradients and weights change by a relative `epsilon` in each step."""
    rng, twin, kept = np.random.default_rng(1), Twin(program, _SIZES, total), []
    for step, gradient in enumerate(gradients):
        changed = [x * (1.0 + epsilon * rng.choice([-1.0, 1.0], x.shape)) for x in (gradient, weights)]
        weights = weights - RATE * twin.update(*changed)
        if epsilon > _SINGLE:  # Rounds weights that were once large, like single precision would.
            weights = weights.astype(np.float32).astype(np.float64)
        if step + 1 in KEPT:
            kept.append(weights)
    return np.array(kept)


def stays(
    program: Program, exact: np.ndarray, start: np.ndarray, gradients: np.ndarray, epsilon: float, total: float = STEPS
) -> float:
    """Returns how far the path moves if operands change by `epsilon`, relative to weights of 1."""
    changed = path(program, start, gradients, epsilon, total)
    return float(np.max(np.abs(changed - exact) / (1.0 + np.abs(exact))))


def entry(program: Program, start: np.ndarray, gradients: np.ndarray, always: bool) -> dict[str, Any] | None:
    """Creates a rule's entry in the file; None if the rule depends on rounding, unless `always`."""
    exact = path(program, start, gradients)
    if not np.isfinite(exact).all() or not (always or stays(program, exact, start, gradients, 1e-15) < 1e-13):
        return None
    # In float32, a decay loses most of its digits near its end; a perturbed number of steps simulates this.
    is_steady = all(
        stays(program, exact, start, gradients, 1e-7, total) < 2e-6 for total in (STEPS, STEPS * (1.0 + 1e-7))
    )
    return {"rule": str(program), "float32": is_steady, "path": exact.tolist()}


def main() -> None:
    rng = np.random.default_rng(16)
    start = rng.standard_normal(sum(_SIZES)).round(6)
    gradients = (rng.standard_normal([STEPS, sum(_SIZES)]) * 10.0 ** rng.uniform(-2.0, 0.0, sum(_SIZES))).round(9)
    with np.errstate(all="ignore"):
        entries = [entry(parse(rule.text), start, gradients, always=True) for rule in NAMED_RULES.values()]
        drawn = (entry(program, start, gradients, always=False) for program in random_programs(10 * COUNT, seed=16))
        entries += itertools.islice(filter(None, drawn), COUNT)
    data = {"weights": start.tolist(), "gradients": gradients.tolist()}
    lines = ",\n".join(json.dumps(each) for each in entries)
    GOLDEN.write_text(f'{json.dumps(data)[:-1]}, "rules": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main()
