"""Versions of what results depend on."""

from __future__ import annotations

import importlib.metadata
import platform

import nos_tf

_PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", "tensorflow-datasets")


def versions() -> dict[str, str]:
    """Version of each package, of Python and of the platform, by name."""
    found = {"python": platform.python_version(), "nos_tf": nos_tf.__version__, "platform": platform.platform()}
    return found | {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
