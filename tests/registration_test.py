"""A saved model loads in a new process after a plain `import nos_tf`, before or after Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.saved_models import LOAD, OPTIMIZERS

SAVE = (
    """
import sys
import numpy as np
import tensorflow as tf
import nos_tf
"""
    + OPTIMIZERS
    + """
for name, optimizer in OPTIMIZERS.items():
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    model.compile(optimizer, "mse")
    checkpoint = tf.keras.callbacks.ModelCheckpoint(f"{sys.argv[1]}/{name}.keras")
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, callbacks=[checkpoint])
"""
)
ORDERS = {
    "nos_tf first": "import sys, nos_tf; assert 'tensorflow' not in sys.modules; from keras import models",
    "Keras first": "import sys; from keras import models; import nos_tf",
    "TensorFlow's Keras": "import sys, nos_tf; import tensorflow as tf; models = tf.keras.models",
    "TensorFlow's Keras first": "import sys; import tensorflow as tf; models = tf.keras.models; import nos_tf",
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    subprocess.run([sys.executable, "-c", SAVE, str(folder)], check=True, timeout=300)
    return folder


@pytest.mark.parametrize("order", ORDERS)
def test_saved_models_load_in_a_new_process(saved: Path, order: str) -> None:
    subprocess.run([sys.executable, "-c", ORDERS[order] + LOAD, str(saved)], check=True, timeout=300)
