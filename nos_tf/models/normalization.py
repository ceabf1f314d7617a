"""Batch normalization on several replicas."""

from __future__ import annotations

import tensorflow as tf


def synchronized() -> bool:
    """Returns whether to synchronize batch normalization: the current strategy has more than one replica.

    Otherwise, each replica would have its own running statistics, and a checkpoint would hold only their mean.
    """
    return tf.distribute.get_strategy().num_replicas_in_sync > 1
