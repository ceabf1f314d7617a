"""Evaluates programs on tasks. The code that trains, and TensorFlow with it, is loaded on first use."""

import importlib
from typing import TYPE_CHECKING, Any

from nos_tf.common.tensorflow_loading import require
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import EpochResult, Evaluation, SweepPoint

if TYPE_CHECKING:
    from nos_tf.evaluation.by_name import evaluate
    from nos_tf.evaluation.evaluator import Evaluator

__all__ = ["REWARDS", "EpochResult", "Evaluation", "Evaluator", "Protocol", "SweepPoint", "evaluate"]


_LAZY = {"Evaluator": "nos_tf.evaluation.evaluator", "evaluate": "nos_tf.evaluation.by_name"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        require()
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'nos_tf.evaluation' has no attribute {name!r}")
