"""Properties of all scripts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_scripts_are_imported_without_tensorflow() -> None:
    """Errors in flags do not have to wait for TensorFlow, and come before its log messages."""
    files = sorted(path for path in (ROOT / "experiments").rglob("*.py") if "__main__" in path.read_text("utf-8"))
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    assert len(modules) > 10
    code = f"import sys, importlib\nfor name in {modules}: importlib.import_module(name)\n"
    code += "assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
