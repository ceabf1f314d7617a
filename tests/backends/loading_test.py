"""A saved model loads in a new process after a plain `import nos_tf`, before or after Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAVE = """
import sys
import numpy as np
import keras
import nos_tf

folder, total, schedules = sys.argv[1], 100, nos_tf.optimizers.schedules
OPTIMIZERS = {
    "power": nos_tf.optimizers.PowerSign(0.1, sign_decay="cd", total_steps=total),
    "add": nos_tf.optimizers.AddSign(schedules.LinearCosineDecay(0.1, total)),
    "program": nos_tf.optimizers.ProgramOptimizer("clip(adam, 1e-4) - drop(m, 0.3)", 0.1),
    "noisy": nos_tf.optimizers.PowerSign(schedules.NoisyLinearCosineDecay(0.1, total)),
}
for name, optimizer in OPTIMIZERS.items():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizer, "mse")
    callbacks = [
        keras.callbacks.ModelCheckpoint(f"{folder}/{name}.keras"),
        keras.callbacks.BackupAndRestore(f"{folder}/{name}-backup", delete_checkpoint=False),
    ]
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, callbacks=callbacks)
"""
LOAD = """
import numpy as np
for name in ("power", "add", "program", "noisy"):
    model = models.load_model(f"{sys.argv[1]}/{name}.keras")
    assert int(model.optimizer.iterations) == 1, name
    assert type(model.optimizer).__module__.startswith("nos_tf."), name
    backup = models.load_model(f"{sys.argv[1]}/{name}.keras")
    restore = keras.callbacks.BackupAndRestore(f"{sys.argv[1]}/{name}-backup", delete_checkpoint=False)
    history = backup.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, epochs=2, callbacks=[restore])
    assert history.epoch == [1], history.epoch
    assert int(backup.optimizer.iterations) == 2, name
"""
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


def test_what_trains_in_bulk_asks_for_tensorflow() -> None:
    from nos_tf.errors import RunError
    from nos_tf.optimizers.keras_compat import BACKEND

    if BACKEND == "tensorflow":
        pytest.skip("It runs there")
    import nos_tf

    with pytest.raises(RunError, match=rf"^Searching, .* Received: KERAS_BACKEND={BACKEND}$"):
        nos_tf.evaluate("g", task="digits")
