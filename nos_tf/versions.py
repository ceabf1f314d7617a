"""Versions of what results depend on."""

from __future__ import annotations

import importlib.metadata
import platform

__version__ = "0.1.0"  # Of this package; pyproject.toml reads it here.

BACKENDS = ("tensorflow", "jax", "torch")  # Those of Keras 3 that the optimizers run on.

_PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", "tensorflow-datasets")


def versions() -> dict[str, str]:
    """Version of each package, of Python and of the platform, by name."""
    found = {"python": platform.python_version(), "nos_tf": __version__, "platform": platform.platform()}
    return found | {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
