"""Every backend reproduces the trajectories in the golden file, which the NumPy twin computed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.optimizers import ProgramOptimizer
from tests.backends.backend import double_precision, keras, numpy, stepper
from tests.backends.make_golden import GOLDEN, KEPT, RATE, SHAPES, STEPS

_FILE = json.loads(GOLDEN.read_text("utf-8"))
_GROUP = 20
_NAMED = _FILE["rules"][: len(NAMED_RULES)]
_GROUPS = [_FILE["rules"][start : start + _GROUP] for start in range(0, len(_FILE["rules"]), _GROUP)]
_CASES = [pytest.param(group, marks=pytest.mark.slow if i else ()) for i, group in enumerate(_GROUPS)]


def paths(rules: Sequence[str], dtype: str) -> np.ndarray:
    """Returns the weights of each rule after the kept steps, of shape `[rules, kept, size]`."""
    first = int(np.prod(SHAPES[0]))

    def parted(vector: Sequence[float]) -> list[np.ndarray]:
        vector = np.array(vector, dtype)
        return [vector[:first].reshape(SHAPES[0]), vector[first:].reshape(SHAPES[1])]

    optimizers = [ProgramOptimizer(rule, RATE, total_steps=STEPS) for rule in rules]
    variables = [[keras.Variable(part, dtype=dtype) for part in parted(_FILE["weights"])] for _ in rules]
    for optimizer, each in zip(optimizers, variables, strict=True):
        optimizer.build(each)
    step, kept = stepper(optimizers, variables), []
    for count, gradient in enumerate(_FILE["gradients"], 1):
        step(*map(keras.ops.convert_to_tensor, parted(gradient)))
        if count in KEPT:
            kept.append([np.concatenate([numpy(v).ravel() for v in each]) for each in variables])
    return np.stack(kept, axis=1)


@pytest.mark.parametrize("entries", _CASES)
def test_float64(entries: list[dict]) -> None:
    with double_precision():
        actual = paths([entry["rule"] for entry in entries], "float64")
    for entry, path in zip(entries, actual, strict=True):
        np.testing.assert_allclose(path, entry["path"], rtol=1e-12, atol=1e-12, err_msg=entry["rule"])


@pytest.mark.parametrize("entries", _CASES)
def test_float32(entries: list[dict]) -> None:
    entries = [entry for entry in entries if entry["float32"]]
    for entry, path in zip(entries, paths([entry["rule"] for entry in entries], "float32"), strict=True):
        np.testing.assert_allclose(path, entry["path"], rtol=1e-5, atol=1e-5, err_msg=entry["rule"])


def test_file_is_complete() -> None:
    assert len(_FILE["rules"]) == len(NAMED_RULES) + 100
    assert sum(entry["float32"] for entry in _FILE["rules"]) > 90
    assert np.isfinite([entry["path"] for entry in _FILE["rules"]]).all()
