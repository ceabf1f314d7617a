"""Makes this package's classes known to Keras, so that a saved model loads after a plain `import nos_tf`.

Keras looks saved classes up among those that are registered. Registering them takes Keras and its backend, which
`import nos_tf` must not load, so they are registered as soon as Keras is there: at once, or when it is imported later.
"""

from __future__ import annotations

import importlib
import sys
import types

import wrapt

from nos_tf.versions import BACKENDS

_LIBRARIES = ("keras", "tensorflow")


def register_with_keras() -> None:
    """Registers the classes now if Keras is loaded, and otherwise when it will be."""
    for name in _LIBRARIES:
        wrapt.register_post_import_hook(_register, name)


def _register(imported: types.ModuleType) -> None:
    others = [sys.modules[name] for name in _LIBRARIES if name in sys.modules and sys.modules[name] is not imported]
    if any(getattr(module.__spec__, "_initializing", False) for module in others):
        return  # One library imports the other; the hook of the outer one follows.
    keras = sys.modules.get("keras")
    if keras is not None and _backend(keras) in BACKENDS:
        importlib.import_module("nos_tf.optimizers")


def _backend(keras: types.ModuleType) -> str:
    return keras.config.backend() if hasattr(keras, "config") else "tensorflow"  # Keras 2 has no other.
