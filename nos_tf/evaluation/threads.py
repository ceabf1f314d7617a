"""How many threads TensorFlow takes."""

from __future__ import annotations

import os


def limit_threads() -> None:
    """Holds TensorFlow to one thread, before its first use: results then do not depend on the machine's cores.

    Raises:
      RuntimeError: TensorFlow runs already.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # Off by default on some CPUs, where it doubles the speed.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
