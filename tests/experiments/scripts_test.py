"""What holds of every script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_scripts_are_read_without_tensorflow() -> None:
    """A refusal neither waits for it nor is preceded by its greeting."""
    files = sorted(path for path in (ROOT / "experiments").rglob("*.py") if "__main__" in path.read_text("utf-8"))
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    assert len(modules) > 10
    code = f"import sys, importlib\nfor name in {modules}: importlib.import_module(name)\n"
    code += "assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
