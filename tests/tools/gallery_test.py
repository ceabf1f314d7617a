"""docs/gallery.md matches the current rules, and its pictures show what they do."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

import nos_tf
from nos_tf.exporters.subject import NAMES
from tools import gallery


@pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")
def test_page_is_up_to_date_and_its_pictures_exist() -> None:
    assert gallery.PAGE.read_text("utf-8") == gallery.page(), "Run python -m tools.gallery"
    assert {path.stem for path in gallery.PICTURES.glob("*.png")} == set(NAMES)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("exp(sign(g) * sign(m)) * g", [2.0 * math.e, 2.0 / math.e, -0.5 * math.e]),
        ("exp(cd * sign(g) * sign(m)) * g", [2.0 * math.exp(0.5), 2.0 * math.exp(-0.5), -0.5 * math.exp(0.5)]),
        ("adam", [1.0, -1.0, -0.25]),
        ("rmsprop + noise", [2.0, 2.0, -0.5]),
        ("drop(m, 0.3) * exp(1e-3*w)", [1.0010005, -1.0010005, -0.25025013]),
    ],
)
def test_update_is_from_the_middle_of_a_training(rule: str, expected: list[float]) -> None:
    g, m = np.array([2.0, 2.0, -0.5]), np.array([1.0, -1.0, -0.25])
    np.testing.assert_allclose(gallery.update(nos_tf.parse(rule), g, m), expected, rtol=1e-6)
