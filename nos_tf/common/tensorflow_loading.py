"""Loads TensorFlow late, quietly and, where results must not depend on the machine, with a single thread."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping

from nos_tf.common.errors import RunError
from nos_tf.common.versions import backend_of


def require() -> None:
    """Checks that Keras runs on TensorFlow, which searches and evaluations are written in.

    Raises:
      RunError: Keras runs on another backend, or TensorFlow is not installed.
    """
    keras = sys.modules.get("keras")
    chosen = os.environ.get("KERAS_BACKEND") if keras is None else backend_of(keras)
    if chosen not in (None, "", "tensorflow"):
        raise RunError(
            "Searching, evaluating and reproducing need Keras' TensorFlow backend; others only run nos_tf.optimizers. "
            f"Set KERAS_BACKEND to tensorflow. Received: KERAS_BACKEND={chosen}"
        )
    if importlib.util.find_spec("tensorflow") is None:
        raise RunError(
            "Searching, evaluating and reproducing need TensorFlow: pip install tensorflow. "
            "Received: no package tensorflow"
        )


# The same kernels on every machine and in every process, rather than those that TensorFlow thinks are best here.
KERNELS = {"TF_ENABLE_ONEDNN_OPTS": "1"}
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def set_environment() -> None:
    """Sets what TensorFlow reads when it is loaded, for this process and its workers, unless the user has set it."""
    require()
    _set(KERNELS | _ONE_THREAD)


def load_quietly() -> None:
    """Loads TensorFlow without its startup messages and without logging every file that it or its data sets open."""
    require()
    _set(KERNELS | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    from absl import logging

    with _no_standard_error():
        import tensorflow  # noqa: F401
    logging.set_verbosity(logging.WARNING)


def load_single_threaded() -> None:
    """Loads TensorFlow, if nothing has yet, and limits it to one thread.

    With one thread, results do not depend on the number of cores or on where a rule is trained.
    """
    set_environment()
    load_quietly()
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # TensorFlow is already running, too late to change its threads.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _set(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def _no_standard_error() -> Iterator[None]:
    """Discards standard error, where TensorFlow prints startup messages at any log level, in the middle of progress."""
    sys.stderr.flush()
    original = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
