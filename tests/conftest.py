"""Two logical CPUs for the whole suite, so that distribution strategies can be tested."""

import os
import sys

import pytest

from nos_tf.common.tensorflow_loading import KERNELS

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
for variable, value in KERNELS.items():  # Set early, so that subprocesses use the same kernels.
    os.environ.setdefault(variable, value)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Splits the CPU before TensorFlow starts, if a collected test has loaded it."""
    del session
    if (tf := sys.modules.get("tensorflow")) is not None:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
