"""How training steps run: replicas, number format, compilation."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator

import tensorflow as tf

from nos_tf.common.errors import RunError
from nos_tf.optimizers.keras_compat import FIT_TAKES_SEVERAL_MACHINES


@dataclasses.dataclass(frozen=True)
class Runtime:
    """How training steps run; none of these options is meant to change what is learned.

    Attributes:
      strategy: "none" for one device, "mirrored" for all GPUs of this machine (or its CPUs if it has none), or
        "multi_worker" for the machines listed in the environment variable `TF_CONFIG`.
      mixed_precision: Whether to compute in float16 on GPUs and bfloat16 on CPUs, with float32 weights.
      xla: Whether to compile the step with XLA. On CPUs this makes convolutions many times slower.
    """

    strategy: str = "none"
    mixed_precision: bool = False
    xla: bool = False

    @property
    def distribute_strategy(self) -> tf.distribute.Strategy:
        """The `tf.distribute` strategy, shared by the whole process.

        Raises:
          RunError: Keras cannot train with this strategy.
        """
        return _distribute_strategy(self.strategy)

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """Context that sets Keras' mixed-precision policy for models built in it."""
        before = tf.keras.mixed_precision.global_policy()
        if self.mixed_precision:
            narrow = "mixed_float16" if tf.config.list_physical_devices("GPU") else "mixed_bfloat16"
            tf.keras.mixed_precision.set_global_policy(narrow)
        try:
            yield
        finally:
            tf.keras.mixed_precision.set_global_policy(before)


@functools.cache  # A second set-up, which machines reach at different times, would break their connection.
def _distribute_strategy(name: str) -> tf.distribute.Strategy:
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
        # TensorFlow's default, collective operations, mixes up the sums of synchronized batch normalization.
        sums = tf.distribute.NcclAllReduce() if gpus else tf.distribute.ReductionToOneDevice()
        return tf.distribute.MirroredStrategy(devices, sums if len(devices) > 1 else None)
    if name == "multi_worker":
        if not FIT_TAKES_SEVERAL_MACHINES:
            raise RunError(
                "Keras 3 cannot train on several machines: its fit fails with MultiWorkerMirroredStrategy. Use "
                "TensorFlow 2.15 from the extra [addons], or strategy=mirrored on one machine. "
                "Received: strategy=multi_worker"
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def check_batch(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Checks that the replicas can split the global batch evenly.

    Raises:
      RunError: The batch size is not divisible by the number of replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise RunError(
            f"The global batch must be divisible by the {replicas} replicas; choose a multiple. "
            f"Received: batch_size={batch_size}"
        )
