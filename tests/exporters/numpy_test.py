"""Rules exported for NumPy train like the NumPy twin."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from nos_tf.exporters import export
from tests.exporters import conformance
from tests.exporters.loading import load


def test_rules_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("numpy", tmp_path, conformance.RULES)


@pytest.mark.slow
def test_random_programs_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("numpy", tmp_path, conformance.RANDOM_PROGRAMS)


def test_the_check_detects_a_wrong_rule(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = conformance.export

    def change(old: str, new: str) -> None:
        monkeypatch.setattr(conformance, "export", lambda rule, to: right(rule, to=to).replace(old, new))

    change("beta_1: float = 0.9", "beta_1: float = 0.9001")
    with pytest.raises(AssertionError, match="exp"):
        conformance.check("numpy", tmp_path / "average", ["exp-g-minus-exp-m"])
    change("< 0.3", "< 0.4")
    with pytest.raises(AssertionError, match="drop"):
        conformance.check("numpy", tmp_path / "drop", ["powersign-drop-0.3"])


def test_powersign_by_hand(tmp_path: pathlib.Path) -> None:
    optimizer = load(export("powersign", to="numpy"), tmp_path).PowerSign(learning_rate=0.1)
    weights = optimizer.step(np.array([1.0, 1.0]), np.array([0.5, -2.0]))
    np.testing.assert_allclose(weights, [1 - 0.1 * np.e * 0.5, 1 + 0.1 * np.e * 2.0])
    # Averages are now 0.05 and -0.2: the first gradient disagrees, the second agrees.
    weights = optimizer.step(np.array([1.0, 1.0]), np.array([-0.1, -1.0]))
    np.testing.assert_allclose(weights, [1 + 0.1 / np.e * 0.1, 1 + 0.1 * np.e])


@pytest.mark.parametrize("rule", ["adam", "powersign-cd", "drop-m-exp-w", "noise + g", "ld"])
def test_single_precision_is_kept(rule: str, tmp_path: pathlib.Path) -> None:
    module = load(export(rule, to="numpy"), tmp_path)
    make = next(entry for entry in vars(module).values() if isinstance(entry, type))
    optimizer = make(0.1, **({"total_steps": 10} if "total_steps" in make.__dataclass_fields__ else {}))
    weights = np.ones(3, np.float32)
    for _ in range(2):
        weights = optimizer.step(weights, np.full(3, 0.5, np.float32))
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()
