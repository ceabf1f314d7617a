"""Flag errors from absl are reworded in the style of all other errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from absl import flags

from nos_tf.cli.refusals import sentence


@pytest.fixture
def known() -> flags.FlagValues:
    values = flags.FlagValues()
    flags.DEFINE_integer("layers", 8, "Layers.", lower_bound=2, flag_values=values)
    flags.DEFINE_integer("trials", 8, "Trials.", lower_bound=1, flag_values=values)
    flags.DEFINE_float("dropout", 0.1, "Rate.", 0.0, 0.9, flag_values=values)
    flags.DEFINE_enum("mode", "train", ["train", "test"], "Mode.", flag_values=values)
    flags.DEFINE_bool("xla", False, "Compile.", flag_values=values)
    flags.DEFINE_string("flagfile", "", "File of flags.", flag_values=values)
    return values


def refused(known: flags.FlagValues, *arguments: str) -> str:
    with pytest.raises((flags.Error, ValueError)) as caught:
        known(["command", *arguments])
    said = sentence(caught.value, known)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--layers=1", "--layers must be an integer >= 2. Received: --layers=1"),
        ("--layers=two: no", "--layers must be an integer >= 2. Received: --layers=two"),
        ("--trials=0", "--trials must be a positive integer. Received: --trials=0"),
        ("--dropout=1", "--dropout must be a number in the range [0.0, 0.9]. Received: --dropout=1"),
        ("--mode=play", "--mode must be one of train, test. Received: --mode=play"),
        ("--xla=perhaps", "--xla must be true or false. Received: --xla=perhaps"),
        ("--trails=3", "Unknown flag; did you mean --trials? --helpfull lists all flags. Received: --trails"),
        ("--zzz", "Unknown flag. --helpfull lists all flags. Received: --zzz"),
    ],
)
def test_flags(known: flags.FlagValues, argument: str, said: str) -> None:
    assert refused(known, argument) == said


def test_long_values_are_cut(known: flags.FlagValues) -> None:
    assert len(refused(known, f"--layers={'9' * 500}x")) < 150


def test_flagfiles(known: flags.FlagValues, tmp_path: Path) -> None:
    said = refused(known, f"--flagfile={tmp_path / 'none'}")
    assert said.startswith("The flagfile cannot be read (No such file or directory); check the path. Received: ")
    (tmp_path / "bytes").write_bytes(b"--layers=\xff\xfe")
    assert "not UTF-8" in refused(known, f"--flagfile={tmp_path / 'bytes'}")
