"""Logs a run as TensorBoard scalars, with its flags as HParams. Needs the extra [tensorboard]."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nos_tf.common.errors import RunError
from nos_tf.search.observer import Observer
from nos_tf.search.trial import Batch, Trial


def check_installed() -> None:
    """Raises RunError if the extra is missing."""
    if importlib.util.find_spec("tensorboard") is None:
        raise RunError(
            "TensorBoard needs the extra [tensorboard]: pip install 'nos_tf[tensorboard]'. "
            "Received: no package tensorboard"
        )


class TensorBoardLog(Observer):
    """Writes event files.

    Args:
      folder: Folder of the files.
      flags: Values of all flags, shown as HParams.
    """

    def __init__(self, folder: Path, flags: Mapping[str, Any]):
        self._folder = folder
        self._flags = flags
        self._best = 0.0

    def on_start(self, trials: Sequence[Trial]) -> None:
        # Not in the constructor: TensorFlow is slow to load, and the run may still be rejected.
        import tensorflow as tf
        from tensorboard.plugins.hparams import api as hparams

        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(str(self._folder))
        flags = self._flags.items()
        plain = {name: value if isinstance(value, bool | int | float) else str(value) for name, value in flags}
        with self._writer.as_default():
            hparams.hparams(plain, trial_id=self._folder.name)
        self._best = max((trial.reward for trial in trials), default=0.0)

    def on_trial(self, trial: Trial) -> None:
        self._best = max(self._best, trial.reward)
        with self._writer.as_default():
            self._summary.scalar(f"reward/{trial.source}", trial.reward, step=trial.id)
            self._summary.scalar("reward/best", self._best, step=trial.id)
            self._summary.scalar("duplicate", float(trial.duplicate_of is not None), step=trial.id)

    def on_batch(self, batch: Batch) -> None:
        with self._writer.as_default():
            for name, value in batch.metrics.items():
                self._summary.scalar(f"{batch.source}/{name}", value, step=batch.number)
        self._writer.flush()
