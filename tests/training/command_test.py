"""The command of the training scripts, with a tiny study."""

from pathlib import Path
from types import ModuleType

import pytest

from nos_tf.training import command
from tests.experiments.in_process import run
from tests.training import study_case


def script(dataset: str) -> ModuleType:
    module = ModuleType("script")

    def define() -> None:
        command.define(("adam",), epochs=1, batch_size=5, seeds=1)

    def main() -> None:
        command.main("case", define, lambda values: study_case.experiment(1, dataset=dataset), (), ("loss",))

    module.main = main  # type: ignore[attr-defined]
    return module


def test_a_study_is_not_resumed_on_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [f"--run_dir={tmp_path}", "--learning_rates=0.01", "--resume"]
    assert run(monkeypatch, script("points"), *arguments) in (0, None)
    results = (tmp_path / "results.json").read_bytes()
    capsys.readouterr()
    assert run(monkeypatch, script("other points"), *arguments) == 2
    assert "holds a run of case with data=points; resume with these" in capsys.readouterr().err
    assert run(monkeypatch, script("points"), *arguments) in (0, None)
    assert (tmp_path / "results.json").read_bytes() == results
