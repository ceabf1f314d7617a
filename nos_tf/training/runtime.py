"""Where a training runs, and how: replicas, number format, compilation."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator

import tensorflow as tf

from nos_tf.errors import RunError
from nos_tf.optimizers.keras_compat import FIT_TAKES_SEVERAL_MACHINES


@dataclasses.dataclass(frozen=True)
class Runtime:
    """How training steps are carried out; none of it is meant to change what is learned.

    Attributes:
      strategy: "none" for one device, "mirrored" for all GPUs of this machine (its CPUs where it has none), or
        "multi_worker" for the machines that the environment variable `TF_CONFIG` names.
      mixed_precision: Compute in float16 on GPUs and in bfloat16 on CPUs, with float32 weights.
      xla: Compile the step by XLA. On CPUs this makes convolutions many times slower.
    """

    strategy: str = "none"
    mixed_precision: bool = False
    xla: bool = False

    @property
    def distribute_strategy(self) -> tf.distribute.Strategy:
        """The `tf.distribute` strategy, one for the whole process.

        Raises:
          RunError: Keras cannot train with it.
        """
        return _distribute_strategy(self.strategy)

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """Sets Keras' policy for the models that are built within."""
        before = tf.keras.mixed_precision.global_policy()
        if self.mixed_precision:
            narrow = "mixed_float16" if tf.config.list_physical_devices("GPU") else "mixed_bfloat16"
            tf.keras.mixed_precision.set_global_policy(narrow)
        try:
            yield
        finally:
            tf.keras.mixed_precision.set_global_policy(before)


@functools.cache  # To set up several machines anew, with each at another place, breaks the connection between them.
def _distribute_strategy(name: str) -> tf.distribute.Strategy:
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
        # TensorFlow's default, collective operations, mixes up the sums of synchronised batch normalisation.
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
    """Refuses a global batch that the replicas cannot share evenly.

    Raises:
      RunError: The batch is not divisible by the number of replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise RunError(
            f"The global batch must be divisible by the {replicas} replicas; choose a multiple. "
            f"Received: batch_size={batch_size}"
        )
