"""Makes `nos_tf.evaluation.result` loadable without what trains, and so without TensorFlow: import it first."""

import sys
import types
from pathlib import Path

import nos_tf

_NAME = "nos_tf.evaluation"
_package = types.ModuleType(_NAME)
_package.__path__ = [str(Path(nos_tf.__file__).parent / "evaluation")]
sys.modules.setdefault(_NAME, _package)
