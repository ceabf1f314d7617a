"""Versions of everything that results depend on, and the commit of the code."""

from __future__ import annotations

import importlib.metadata
import pathlib
import platform
import subprocess
import types

__version__ = "0.1.0"  # pyproject.toml reads it from here.

BACKENDS = ("tensorflow", "jax", "torch")  # Keras 3 backends that the optimizers run on.


def backend_of(keras: types.ModuleType) -> str:
    """Backend of the given version of Keras."""
    return keras.config.backend() if hasattr(keras, "config") else "tensorflow"  # Keras 2 supports no other.


_PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", "tensorflow-datasets")


def versions() -> dict[str, str]:
    """Version of each package, of Python and of the platform, by name."""
    system = {"python": platform.python_version(), "nos_tf": __version__, "platform": platform.platform()}
    return system | {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def commit() -> str | None:
    """The commit of the source tree, with "-dirty" if tracked files differ from it; None outside a Git checkout.

    An installed package may lie within a checkout of something else, which does not count.
    """
    path = pathlib.Path(__file__)

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=path.parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", path.name)
        return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
