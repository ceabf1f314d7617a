"""Loads exported text as a module."""

from __future__ import annotations

import importlib.util
import itertools
import pathlib
import types

_NUMBERS = itertools.count()


def load(text: str, folder: pathlib.Path) -> types.ModuleType:
    """Writes the text to a file with a unique name and imports it."""
    path = folder / f"exported_{next(_NUMBERS)}.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
