"""One training, from wherever its folder says that it is, to its end.

A training that was killed and resumed gives the same numbers as one that was not: the batches depend on the seed and
the step alone, and a checkpoint holds the weights, the optimizer, the state of every random layer and the running
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

_CHECKPOINT_SECONDS = 300.0  # A crash costs at most so much of the work within an epoch.
_DIVERGENCE_STEPS = 20  # From one look at the loss to the next; each makes the host wait for the device.


class Fitted(NamedTuple):
    """What came out of a training.

    Attributes:
      rows: One for each epoch; the last one's loss is not finite if the training diverged, which ends it.
      measured: What the experiment measures of a trained model, such as "test_bleu", and "test_ema_bleu" with the
        averaged weights; nothing after divergence.
      seconds: Time that it took, earlier processes included.
    """

    rows: list[Row]
    measured: dict[str, float]
    seconds: float


class Display(Protocol):
    """Shows how a training goes on."""

    def on_step(self, step: int, loss: float | None) -> None:
        """A step was made; its running mean loss where it is known."""

    def on_epoch(self, row: Row) -> None:
        """An epoch was measured."""


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
    """Trains a model, measures it after every epoch, and keeps its weights.

    Args:
      experiment: What to train.
      make_optimizer: Makes the optimizer; called within the strategy's scope.
      seed: Of the initial weights, the order of the data and all other draws.
      runtime: Where to train.
      folder: Of this training on this machine: checkpoint, `history.csv`, TensorBoard files and, at the end, weights.
      interruption: Asked after every step whether to save and stop.
      display: Told of the progress.
      with_tensorboard: Whether to write TensorBoard files.

    Raises:
      RunError: The checkpoint is of something else, or cannot be written.
      KeyboardInterrupt: As `interruption` says; everything is saved.
      Preempted: Likewise.
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
        model.evaluate(first.take(1), verbose=0)  # Makes the metrics' variables, which are a part of the checkpoint.
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
                # What is left of a broken epoch comes alone, as it is shorter than the others.
                epochs=epoch + 1 if rest else experiment.epochs,
                steps_per_epoch=experiment.steps_per_epoch - rest,
                callbacks=callbacks,
                verbose=0,
                shuffle=False,  # The stream has an order of its own.
            )
            interruption.stop()
        measured = {} if session.diverged else _finish(experiment, model, folder)
        interruption.stop()
    return Fitted(session.rows, measured, session.seconds)


def _finish(experiment: Experiment, model: tf.keras.Model, folder: Path) -> dict[str, float]:
    """Keeps the weights and measures the model, and once more with the averaged weights where there are any."""

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
            # The rows are written before the checkpoint, so there may be one that the checkpoint does not know.
            self.rows = files.read_rows(self._folder / files.HISTORY)[: self.step // self._experiment.steps_per_epoch]
            self._running = [variable.numpy() for variable in self._metrics]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.step % self._experiment.steps_per_epoch:  # Keras has just set the running metrics to zero.
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
            return  # The end of an epoch is saved with its measurements.
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
            logs.update(row)  # For the callbacks that come after this one.
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
