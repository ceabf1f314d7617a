"""How TensorFlow is loaded: late, quietly, and where results must not depend on the machine, on one thread."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from absl import logging


def set_environment() -> None:
    """Sets what TensorFlow reads when it is loaded, for this process and its workers; what the user set stays."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def load_quietly() -> None:
    """Loads TensorFlow without its greeting, and keeps it and its data sets from telling of every file they open."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _no_standard_error():
        import tensorflow  # noqa: F401
    logging.set_verbosity(logging.WARNING)


def load_single_threaded() -> None:
    """Loads TensorFlow and holds it to one thread, whoever loaded it first.

    With one thread, results do not depend on how many cores there are, nor on where a rule is trained.
    """
    set_environment()
    load_quietly()
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # It is at work already, and its threads can no longer be changed.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


@contextlib.contextmanager
def _no_standard_error() -> Iterator[None]:
    """Drops what is written to standard error: TensorFlow greets there, whatever its log level, amid the progress."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
