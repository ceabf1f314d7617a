"""Registers this package's classes with Keras, so that a saved model loads after a plain `import nos_tf`.

Keras looks up saved classes among the registered ones. Registering them needs Keras and its backend, which
`import nos_tf` must not load, so it happens right away if Keras is already loaded, and otherwise once it is imported.
"""

from __future__ import annotations

import importlib
import sys
import types

import wrapt

from nos_tf.common.versions import BACKENDS, backend_of

_LIBRARIES = ("keras", "tensorflow")


def register_with_keras() -> None:
    """Registers the classes now if Keras is loaded, and otherwise as soon as it is."""
    for name in _LIBRARIES:
        wrapt.register_post_import_hook(_register, name)


def _register(imported: types.ModuleType) -> None:
    others = [sys.modules[name] for name in _LIBRARIES if name in sys.modules and sys.modules[name] is not imported]
    if any(getattr(module.__spec__, "_initializing", False) for module in others):
        return  # One library is importing the other; the outer one's hook runs later.
    keras = sys.modules.get("keras")
    if keras is not None and backend_of(keras) in BACKENDS:
        importlib.import_module("nos_tf.optimizers")
