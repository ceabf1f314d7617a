"""A saved model loads in a new process after a plain `import nos_tf`, before or after Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import saved_models
from tests.saved_models import OPTIMIZERS

SAVE = (
    """
import sys
import numpy as np
import keras
import nos_tf

folder = sys.argv[1]
"""
    + OPTIMIZERS
    + """
for name, optimizer in OPTIMIZERS.items():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizer, "mse")
    callbacks = [
        keras.callbacks.ModelCheckpoint(f"{folder}/{name}.keras"),
        keras.callbacks.BackupAndRestore(f"{folder}/{name}-backup", delete_checkpoint=False),
    ]
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, callbacks=callbacks)
"""
)
LOAD = (
    """
import numpy as np
"""
    + saved_models.LOAD
    + """
    backup = models.load_model(f"{sys.argv[1]}/{name}.keras")
    restore = keras.callbacks.BackupAndRestore(f"{sys.argv[1]}/{name}-backup", delete_checkpoint=False)
    history = backup.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, epochs=2, callbacks=[restore])
    assert history.epoch == [1], history.epoch
    assert int(backup.optimizer.iterations) == 2, name
"""
)
ORDERS = {
    "nos_tf first": "import sys, nos_tf; assert 'keras' not in sys.modules; import keras; from keras import models",
    "Keras first": "import sys, keras; from keras import models; import nos_tf",
}


def run(script: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=500)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    run(SAVE, folder)
    return folder


@pytest.mark.parametrize("order", ORDERS)
def test_saved_models_load_in_a_new_process(saved: Path, order: str, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", f"{saved}/.", str(tmp_path)], check=True)
    run(ORDERS[order] + LOAD, tmp_path)


def test_search_requires_tensorflow() -> None:
    from nos_tf.common.errors import RunError
    from nos_tf.optimizers.keras_compat import BACKEND

    if BACKEND == "tensorflow":
        pytest.skip("TensorFlow is the backend")
    import nos_tf

    with pytest.raises(RunError, match=rf"^Searching, .* Received: KERAS_BACKEND={BACKEND}$"):
        nos_tf.evaluate("g", task="digits")
