"""Neural Optimizer Search: update rules as programs, as Keras optimizers, and as the object of a search.

Parsing and exporting rules does not need TensorFlow, which is imported on the first use of anything that trains.
"""

import importlib
from typing import Any

from nos_tf.common.versions import __version__
from nos_tf.dsl import Program, ProgramError, SearchSpace, canonical_key, canonical_keys, parse
from nos_tf.registration import register_with_keras

_LAZY_MODULES = ("optimizers", "searchers", "table", "tasks")
_LAZY_FUNCTIONS = {
    "evaluate": "nos_tf.evaluation",
    "export": "nos_tf.exporters",
    "screen": "nos_tf.evaluation.screening",
}

__all__ = [
    "__version__",
    "Program",
    "ProgramError",
    "SearchSpace",
    "canonical_key",
    "canonical_keys",
    "parse",
    *_LAZY_MODULES,
    *_LAZY_FUNCTIONS,
]


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"nos_tf.{name}")
    if name in _LAZY_FUNCTIONS:
        return getattr(importlib.import_module(_LAZY_FUNCTIONS[name]), name)
    raise AttributeError(f"module 'nos_tf' has no attribute {name!r}")


register_with_keras()
