"""How batch normalization goes with several replicas."""

from __future__ import annotations

import tensorflow as tf


def synchronized() -> bool:
    """Whether batch normalization must share its statistics, as there are several replicas in the strategy's scope.

    Otherwise each replica would have running statistics of its own, of which a checkpoint keeps but the mean.
    """
    return tf.distribute.get_strategy().num_replicas_in_sync > 1
