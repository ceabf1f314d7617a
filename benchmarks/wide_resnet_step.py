r"""Times the training step of a Wide ResNet: python -m benchmarks.wide_resnet_step

Two comparisons, each timed alternately (A B A B ...), reported as ratios of medians:

1. a step of the CIFAR-10 script (input pipeline with augmentation, Keras' `fit`, metrics, callbacks, PowerSign) against
   only the compiled forward and backward pass on a fixed batch: at most 1.10;
2. Keras' training step with the generated PowerSign against the same step with Keras' SGD with momentum: at most 1.02.
"""

from __future__ import annotations

import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks import figures
from benchmarks.ratios import report
from nos_tf.common.tensorflow_loading import load_quietly

_DEPTH = flags.DEFINE_integer("depth", 16, "Number of convolutions, 6n + 4.")
_WIDTH = flags.DEFINE_integer("width", 4, "Multiplier of the filters.")
_BATCH = flags.DEFINE_integer("batch_size", 32, "Images per step.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 8, "Steps per timing.", lower_bound=2)
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Repetitions of each comparison.", lower_bound=1)
_XLA = flags.DEFINE_bool("xla", False, "Compile everything with XLA, for GPUs.")


class Interleaving:
    """Times the steps of a training and, between epochs, another function.

    The first epoch is a warm-up and does not count.
    """

    def __init__(self, other: Callable[[], Any]):
        self.steps: list[float] = []
        self.others: list[float] = []
        self._other = other
        self._first = self._last = 0.0

    def on_step(self, step: int, loss: float | None) -> None:
        """Times the steps of an epoch, except the first, which follows an evaluation."""
        del loss
        now = time.perf_counter()
        if step % _STEPS.value == 1:
            self._first = now
        self._last = now

    def on_epoch(self, row: dict[str, float]) -> None:
        """Times the other side."""
        ours = (self._last - self._first) / (_STEPS.value - 1)
        theirs = _seconds_a_step(self._other)
        if row["epoch"] > 1:
            self.steps.append(ours)
            self.others.append(theirs)


def time_fit() -> None:
    """Times the whole step of the script against the bare forward and backward pass."""
    import tensorflow as tf

    from nos_tf import optimizers
    from nos_tf.training.experiment import Experiment
    from nos_tf.training.fit import fit
    from nos_tf.training.interruption import Interruption
    from nos_tf.training.runtime import Runtime

    data = _data()
    model, loss = _build(0), _loss()
    images, labels = next(iter(data.batches(_BATCH.value, augment=True, seed=0, first_step=0)))

    @tf.function(jit_compile=_XLA.value)
    def bare() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            total = loss(labels, model(images, training=True)) + tf.add_n(model.losses)
        return tape.gradient(total, model.trainable_variables)

    timed = Interleaving(bare)
    experiment = Experiment(
        name="benchmark",
        dataset="random images",
        scale={},
        build_model=_build,
        loss=_loss,
        metrics=lambda: [tf.keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        batches=lambda seed, first_step: data.batches(_BATCH.value, True, seed, first_step),
        evaluations=data.evaluations(),
        objective="val_accuracy",
        steps_per_epoch=_STEPS.value,
        epochs=_ROUNDS.value + 1,
        examples_per_step=_BATCH.value,
    )
    with tempfile.TemporaryDirectory() as folder:
        make = lambda: optimizers.get("powersign", learning_rate=1e-3)  # noqa: E731
        fit(experiment, make, 0, Runtime(xla=_XLA.value), pathlib.Path(folder), Interruption(), timed)
    _report("step of the script against forward and backward pass", timed.steps, timed.others)


def time_optimizers() -> None:
    """Times Keras' own training step with two optimizers."""
    import tensorflow as tf

    from nos_tf import optimizers

    def trainer(optimizer: tf.keras.optimizers.Optimizer) -> Callable[[], Any]:
        model = _build(0)
        model.compile(optimizer, _loss(), metrics=["accuracy"], jit_compile=_XLA.value)
        batch = next(iter(_data().batches(_BATCH.value, augment=True, seed=0, first_step=0)))
        batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
        model.make_train_function()
        return lambda: model.train_function(batches)

    ours = trainer(optimizers.get("powersign", learning_rate=1e-3))
    theirs = trainer(tf.keras.optimizers.SGD(1e-3, momentum=0.9))
    pairs = [(_seconds_a_step(ours), _seconds_a_step(theirs)) for _ in range(_ROUNDS.value + 1)][1:]
    _report("step with PowerSign against Keras' SGD with momentum", *map(list, zip(*pairs, strict=True)))


def _build(seed: int) -> Any:
    from nos_tf.models import wide_resnet

    return wide_resnet.build((32, 32, 3), 10, _DEPTH.value, _WIDTH.value, weight_decay=5e-4, seed=seed)


def _loss() -> Any:
    import tensorflow as tf

    return tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _data() -> Any:
    from nos_tf.datasets.cifar10 import Images
    from nos_tf.datasets.cifar10_batches import Cifar10

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50 * _BATCH.value, 32, 32, 3), np.uint8)
    images = Images(pixels, rng.integers(0, 10, len(pixels)).astype(np.int32))
    return Cifar10(images, images.first(_BATCH.value), images.first(_BATCH.value), "random images")


def _seconds_a_step(step: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(_STEPS.value):
        result = step()
    for tensor in result.values() if isinstance(result, dict) else result:
        tensor.numpy()  # Waits for asynchronous devices.
    return (time.perf_counter() - start) / _STEPS.value


def _report(name: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    network = f"WRN-{_DEPTH.value}-{_WIDTH.value}, batch {_BATCH.value}"
    report(f"{network}, {name}", [1e3 * one for one in ours], [1e3 * one for one in theirs], "ms")


def main(argv: Sequence[str]) -> None:
    del argv
    load_quietly()
    time_fit()
    time_optimizers()
    figures.write()


if __name__ == "__main__":
    app.run(main)
