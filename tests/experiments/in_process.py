"""Runs scripts in the test's process, so that parts can be replaced."""

from __future__ import annotations

import sys
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
