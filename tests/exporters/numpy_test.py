"""Rules exported for NumPy train as the twin does."""

from __future__ import annotations

import pathlib

from tests.exporters import conformance


def test_follows_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("numpy", tmp_path, [*conformance.ZOO, *conformance.RANDOM_PROGRAMS])
