"""Every benchmark uses the same helper to write its figures as one flat JSON object."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from absl.testing import flagsaver

from benchmarks import figures, ratios

BENCHMARKS = pathlib.Path(figures.__file__).parent


@pytest.fixture(autouse=True)
def _nothing_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_figures", {})


def test_figures_are_one_flat_object(tmp_path: pathlib.Path) -> None:
    ratios.report("a", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], "s")
    with flagsaver.as_parsed(json=str(tmp_path / "out.json")):
        figures.write()
    assert json.loads((tmp_path / "out.json").read_text()) == {"a: ours, s": 2.0, "a: theirs, s": 2.0, "a: ratio": 1.0}


def test_a_name_is_recorded_only_once() -> None:
    figures.record("a", 1)
    with pytest.raises(ValueError, match="'a' again"):
        figures.record("a", 2)


@pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")
def test_every_benchmark_has_the_flag_and_writes() -> None:
    texts = {path.name: path.read_text("utf-8") for path in BENCHMARKS.glob("*.py")}
    programs = {name: text for name, text in texts.items() if "app.run(main)" in text}
    assert len(programs) >= 5
    for name, text in programs.items():
        assert "import figures" in text, name
        assert text.count("figures.write()") == 1, name
    assert [name for name, text in texts.items() if '("json"' in text] == ["figures.py"]
