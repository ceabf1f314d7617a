"""Runs scripts in the test's process, so that parts can be replaced."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType

import pytest
from absl import flags
from absl.testing import flagsaver


def run(monkeypatch: pytest.MonkeyPatch, script: ModuleType, *arguments: str) -> object:
    """Runs a script and returns its exit code."""
    before = set(flags.FLAGS)
    monkeypatch.setattr(sys, "argv", ["script", *arguments])
    try:
        with flagsaver.flagsaver(), pytest.raises(SystemExit) as ended:
            script.main()
        return ended.value.code
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()


def check_refused(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    script: ModuleType,
    flags: Iterable[str],
    *words: str,
) -> None:
    """Checks that a script ends with exit code 2 and one line of error that contains these words."""
    assert run(monkeypatch, script, *flags) == 2
    check_message(*capfd.readouterr(), *words)


def check_message(out: str, err: str, *words: str) -> None:
    """Checks that nothing but one line of error with these words was written."""
    assert len(err.splitlines()) == 1, err
    assert not out
    for word in words:
        assert word in err
