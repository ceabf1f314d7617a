"""Runs one training to its end, starting from the last checkpoint.

A training that was killed and resumed gives the same numbers as an uninterrupted one: batches depend only on the seed
and the step, and a checkpoint holds the weights, the optimizer, the state of every random layer and the running
metrics.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from nos_tf.optimizers import keras_compat
from nos_tf.training import failures, files
from nos_tf.training.experiment import Experiment
from nos_tf.training.files import Checkpoint, Row, averaged_weights
from nos_tf.training.interruption import Agreement, Interruption
from nos_tf.training.runtime import Runtime

_CHECKPOINT_SECONDS = 300.0  # A crash loses at most this much work.
_DIVERGENCE_STEPS = 20  # Steps between checks of the loss; each check makes the host wait for the device.


class Fitted(NamedTuple):
    """Result of a training.

    Attributes:
      rows: Measurements of each epoch. If training diverged, it ended there, and the last loss is not finite.
      measured: Final metrics of the trained model, such as "test_bleu", and "test_ema_bleu" for the averaged weights;
        empty if training diverged.
      seconds: Training time, including earlier processes.
    """

    rows: list[Row]
    measured: dict[str, float]
    seconds: float


class Display(Protocol):
    """Shows the progress of a training."""

    def on_step(self, step: int, loss: float | None) -> None:
        """Called after a step, with the running mean of the loss if it is known."""

    def on_epoch(self, row: Row) -> None:
        """Called after an epoch, with its measurements."""


@failures.lost_machine()
def fit(
    experiment: Experiment,
    make_optimizer: Callable[[], tf.keras.optimizers.Optimizer],
    seed: int,
    runtime: Runtime,
    folder: Path,
    interruption: Interruption,
    display: Display,
    with_tensorboard: bool = False,
) -> Fitted:
    """Trains a model, evaluates it after every epoch, and saves its weights.

    Args:
      experiment: What to train.
      make_optimizer: Makes the optimizer; called within the strategy's scope.
      seed: Seed for the initial weights, the order of the data and all other random draws.
      runtime: Where and how to run the steps.
      folder: Folder of this training on this machine, for the checkpoint, `history.csv`, TensorBoard files and the
        final weights.
      interruption: Checked after every step; decides whether to save and stop.
      display: Receives the progress.
      with_tensorboard: Whether to write TensorBoard files.

    Raises:
      RunError: The checkpoint belongs to something else, or cannot be written.
      KeyboardInterrupt: SIGINT was received; everything is saved.
      Preempted: SIGTERM was received; everything is saved.
    """
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed)
    strategy = runtime.distribute_strategy
    with strategy.scope(), runtime.precision(), keras_compat.random_state_in_variables():
        model = experiment.build_model(seed)
        model.compile(make_optimizer(), experiment.loss(), metrics=list(experiment.metrics()), jit_compile=runtime.xla)
        keras_compat.build_optimizer(model.optimizer, model.trainable_variables)
    keras_compat.keep_weights(model.optimizer)
    first = next(iter(experiment.evaluations.values()))
    with failures.damaged_data():
        model.evaluate(first.take(1), verbose=0)  # Creates the metrics' variables, which are part of the checkpoint.
    metrics = keras_compat.tf_variables(variable for metric in model.metrics for variable in metric.variables)
    model.reset_metrics()
    state = [*keras_compat.model_variables(model), *keras_compat.optimizer_variables(model.optimizer), *metrics]
    saved = Checkpoint(folder / "checkpoint", state)
    agreement = Agreement(strategy, interruption)
    session = _Session(experiment, saved, metrics, folder, interruption, agreement, display)
    session.restore()
    callbacks: list[Any] = [session]
    if with_tensorboard:
        callbacks += _tensorboard(experiment, folder / "tensorboard")
    with interruption.listening(), failures.damaged_data():
        while session.step < experiment.total_steps and not session.diverged:
            rest = session.step % experiment.steps_per_epoch
            epoch = session.step // experiment.steps_per_epoch
            model.fit(
                _batches(experiment, strategy, seed, session.step),
                initial_epoch=epoch,
                # The rest of a partial epoch needs a call of its own because it has fewer steps.
                epochs=epoch + 1 if rest else experiment.epochs,
                steps_per_epoch=experiment.steps_per_epoch - rest,
                callbacks=callbacks,
                verbose=0,
                shuffle=False,  # The stream is already shuffled.
            )
            interruption.stop()
        measured = {} if session.diverged else _finish(experiment, model, folder)
        interruption.stop()
    return Fitted(session.rows, measured, session.seconds)


def _finish(experiment: Experiment, model: tf.keras.Model, folder: Path) -> dict[str, float]:
    """Saves and measures the model, then again with averaged weights if there are any."""

    def measured(mark: str) -> dict[str, float]:
        splits = experiment.measure(model) if experiment.measure is not None else {}
        return {f"{split}_{mark}{name}": value for split, found in splits.items() for name, value in found.items()}

    files.save_weights(model, folder / files.LAST)
    values = measured("")
    if keras_compat.weight_averages(model.optimizer):
        with averaged_weights(model):
            files.save_weights(model, folder / files.AVERAGED)
            values |= measured("ema_")
    return values


def _batches(experiment: Experiment, strategy: tf.distribute.Strategy, seed: int, first_step: int) -> Any:
    share = experiment.host_batches
    if share is None or not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return experiment.batches(seed, first_step)
    return strategy.distribute_datasets_from_function(lambda host: share(seed, first_step, host))


def _tensorboard(experiment: Experiment, folder: Path) -> list[tf.keras.callbacks.Callback]:
    """Callbacks that log the curves and, if the experiment makes any, samples of the model's output."""
    callbacks: list[tf.keras.callbacks.Callback] = [tf.keras.callbacks.TensorBoard(folder, write_graph=False)]
    if experiment.samples is not None:
        callbacks.append(_Samples(experiment.samples, folder))
    return callbacks


class _Samples(tf.keras.callbacks.Callback):
    def __init__(self, samples: Callable[[tf.keras.Model], str], folder: Path):
        super().__init__()
        self._samples = samples
        self._writer = tf.summary.create_file_writer(str(folder / "samples"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with self._writer.as_default():
            tf.summary.text("samples", self._samples(self.model), step=epoch + 1)
        self._writer.flush()


class _Session(tf.keras.callbacks.Callback):
    def __init__(
        self,
        experiment: Experiment,
        saved: Checkpoint,
        metrics: list[tf.Variable],
        folder: Path,
        interruption: Interruption,
        agreement: Agreement,
        display: Display,
    ):
        super().__init__()
        self.step = 0
        self.rows: list[Row] = []
        self._experiment = experiment
        self._saved = saved
        self._metrics = metrics
        self._running: list[Any] = []
        self._folder = folder
        self._interruption = interruption
        self._agreement = agreement
        self._display = display
        self._saved_at = time.monotonic()
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return float(self._saved.seconds.numpy()) + time.monotonic() - self._began

    @property
    def diverged(self) -> bool:
        return bool(self.rows) and not math.isfinite(self.rows[-1]["loss"])

    def restore(self) -> None:
        self.step = self._saved.restore()
        if self.step:
            # Rows are written before the checkpoint, so the file may have one too many.
            self.rows = files.read_rows(self._folder / files.HISTORY)[: self.step // self._experiment.steps_per_epoch]
            self._running = [variable.numpy() for variable in self._metrics]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.step % self._experiment.steps_per_epoch:  # Keras has just reset the running metrics.
            for variable, value in zip(self._metrics, self._running, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        loss = None
        if self.step % _DIVERGENCE_STEPS == 0:
            loss = self._experiment.per_term(logs)["loss"]
            if not math.isfinite(loss):
                self.model.stop_training = True
        self._display.on_step(self.step, loss)
        if self.step % self._experiment.steps_per_epoch == 0:
            return  # `on_epoch_end` saves, after the evaluations.
        due, stop = self._agreement.reach(time.monotonic() - self._saved_at > _CHECKPOINT_SECONDS)
        if due or stop:
            self._save()
        if stop:
            self._interruption.stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        if not math.isfinite(logs["loss"]):
            self.model.stop_training = True
            self.rows.append({"epoch": epoch + 1, "loss": math.nan})
            files.write_rows(self.rows, self._folder / files.HISTORY)
        else:
            row: Row = {"epoch": epoch + 1} | self._experiment.per_term(logs)
            for split, data in self._experiment.evaluations.items():
                row |= self._evaluate(split, f"{split}_", data)
                if keras_compat.weight_averages(self.model.optimizer):
                    with averaged_weights(self.model):
                        row |= self._evaluate(split, f"{split}_ema_", data)
            self.rows.append(row)
            logs.update(row)  # For later callbacks.
            self._save()
        self._display.on_epoch(self.rows[-1])
        _, stop = self._agreement.reach(False)
        if stop:
            self.model.stop_training = True

    def _evaluate(self, split: str, mark: str, data: tf.data.Dataset) -> Row:
        measured = self._experiment.per_term(self.model.evaluate(data, verbose=0, return_dict=True), split)
        return {mark + name: value for name, value in measured.items()}

    def _save(self) -> None:
        files.write_rows(self.rows, self._folder / files.HISTORY)
        self._saved_at = time.monotonic()
        self._saved.save(self.step, self.seconds)
        self._began = self._saved_at
