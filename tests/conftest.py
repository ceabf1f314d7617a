"""Two logical CPUs for the whole suite, so that distribution strategies can be tested."""

import os
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Splits the CPU before TensorFlow starts; does not load it where no collected test does."""
    del session
    if (tf := sys.modules.get("tensorflow")) is not None:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
