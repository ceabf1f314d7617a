"""What TensorBoard shows of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from nos_tf.training.experiment import Experiment


def callbacks(experiment: Experiment, folder: Path) -> list[tf.keras.callbacks.Callback]:
    """Callbacks that write the curves, and samples of what the model does where the experiment has some."""
    found: list[tf.keras.callbacks.Callback] = [tf.keras.callbacks.TensorBoard(folder, write_graph=False)]
    if experiment.samples is not None:
        found.append(_Samples(experiment.samples, folder))
    return found


class _Samples(tf.keras.callbacks.Callback):
    def __init__(self, samples: Callable[[tf.keras.Model], str], folder: Path):
        super().__init__()
        self._samples = samples
        self._writer = tf.summary.create_file_writer(str(folder / "samples"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with self._writer.as_default():
            tf.summary.text("samples", self._samples(self.model), step=epoch + 1)
        self._writer.flush()
