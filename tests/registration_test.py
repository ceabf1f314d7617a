"""A saved model loads in a new process after a plain `import nos_tf`, before or after Keras, and so does a backup."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
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
    model.export(f"{sys.argv[1]}/{name}", verbose=False)
    np.save(f"{sys.argv[1]}/{name}.npy", model.predict(np.ones((8, 3)), verbose=0))
"""
)
# A SavedModel is served without nos_tf. Trainings of four epochs are backed up after each; one stops during the third.
SERVE_AND_BACK_UP = (
    """
import sys
import numpy as np
import tensorflow as tf
for name in ("power", "add", "program", "noisy"):
    loaded = tf.saved_model.load(f"{sys.argv[1]}/{name}")
    served = loaded.serve(np.ones((8, 3), np.float32))
    np.testing.assert_allclose(served, np.load(f"{sys.argv[1]}/{name}.npy"), rtol=1e-6)
import nos_tf
"""
    + OPTIMIZERS
    + """
class Stop(tf.keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if len(sys.argv) > 2 and sys.argv[2] == "stop" and self.model.optimizer.iterations == 5:
            raise SystemExit

inputs = np.random.default_rng(0).normal(size=(16, 3))
for name, optimizer in OPTIMIZERS.items():
    tf.keras.utils.set_random_seed(0)
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    model.compile(optimizer, "mse")
    backup = tf.keras.callbacks.BackupAndRestore(f"{sys.argv[1]}/{name}-backup-{sys.argv[3]}")
    try:
        model.fit(inputs, inputs[:, :2], batch_size=8, epochs=4, shuffle=False, verbose=0, callbacks=[backup, Stop()])
    except SystemExit:
        continue
    np.save(f"{sys.argv[1]}/{name}-{sys.argv[3]}.npy", model.get_weights()[0])
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


def test_saved_model_is_served_and_a_backup_resumed_in_a_new_process(saved: Path) -> None:
    for stop, run in (("stop", "parts"), ("go", "parts"), ("go", "whole")):
        subprocess.run([sys.executable, "-c", SERVE_AND_BACK_UP, str(saved), stop, run], check=True, timeout=300)
        assert (saved / "power-parts.npy").exists() == (stop == "go")
    for name in ("power", "add", "program", "noisy"):
        parts, whole = (np.load(saved / f"{name}-{run}.npy") for run in ("parts", "whole"))
        np.testing.assert_array_equal(parts, whole, err_msg=name)
