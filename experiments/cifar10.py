"""Flags, data and evaluation shared by the CIFAR-10 experiments."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from nos_tf.common.errors import RunError
from nos_tf.training import command

if TYPE_CHECKING:
    import tensorflow as tf

    from nos_tf.training.experiment import Experiment

METRICS = ("final_val_accuracy", "final_test_accuracy", "best_val_accuracy", "best_test_accuracy")
PLOTTED = ("loss", "val_accuracy", "test_accuracy")
_OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adam", "powersign", "addsign")
# Additional baselines if installed; asking nos_tf.optimizers for their names would load TensorFlow.
_ADDONS = tuple(
    f"addons/{name}" for name in ("lamb", "rectifiedadam", "yogi", "adabelief", "novograd", "sgdw", "lookahead")
)


def optimizers() -> tuple[str, ...]:
    """Returns the default optimizers: the paper's, and those of tensorflow-addons if it is installed."""
    return _OPTIMIZERS + (_ADDONS if importlib.util.find_spec("tensorflow_addons") is not None else ())


def define(batch_size: int) -> None:
    """Defines the flags of both experiments."""
    command.define(optimizers(), epochs=300, batch_size=batch_size)
    flags.DEFINE_integer("train_examples", None, "Use only the first training images of 45,000.", lower_bound=1)
    flags.DEFINE_integer(
        "eval_examples",
        None,
        "Use only the first images of validation (5,000) and test data (10,000).",
        lower_bound=1,
    )


def experiment(
    name: str, model: str, build: Callable[[int], tf.keras.Model], augment: bool, values: Mapping[str, Any]
) -> Experiment:
    """Creates the experiment that trains a network on the data selected by the flags.

    Args:
      name: Name of the script.
      model: Name of the network in results.
      build: Builds the network, given a seed.
      augment: Whether to shift and mirror training images at random.
      values: Values of all flags.

    Raises:
      RunError: The dataset is not prepared, cannot be used or is smaller than a batch.
    """
    import tensorflow as tf

    from nos_tf.datasets.cifar10_batches import Cifar10
    from nos_tf.datasets.prepared import PreparedDataError
    from nos_tf.training.experiment import Experiment

    try:
        data = Cifar10.load(values["data_dir"], values["train_examples"], values["eval_examples"])
    except PreparedDataError as error:
        raise RunError(str(error)) from None
    epochs, batch_size, schedule = values["epochs"], values["batch_size"], values["schedule"]
    steps = command.steps_per_epoch(len(data.train.labels), batch_size)
    command.check_data(data.check_data)
    return Experiment(
        name=name,
        dataset=data.label,
        scale={"model": model, "epochs": epochs, "batch_size": batch_size, "schedule": schedule, **data.scale},
        build_model=build,
        loss=lambda: tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=lambda: [tf.keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        batches=functools.partial(data.batches, batch_size, augment),
        evaluations=data.evaluations(),
        objective="val_accuracy",
        steps_per_epoch=steps,
        epochs=epochs,
        examples_per_step=batch_size,
    )
