"""`python -m experiments.cifar10_convnet` and `python -m experiments.cifar10_wide_resnet`."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from nos_tf.commands import training
from nos_tf.errors import RunError

if TYPE_CHECKING:
    from nos_tf.training.experiment import Experiment

_OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adam", "powersign", "addsign")
# Further baselines where they are installed; to ask nos_tf.optimizers for their names would load TensorFlow.
_ADDONS = tuple(
    f"addons/{name}" for name in ("lamb", "rectifiedadam", "yogi", "adabelief", "novograd", "sgdw", "lookahead")
)
_METRICS = ("final_val_accuracy", "final_test_accuracy", "best_val_accuracy", "best_test_accuracy")
_PLOTTED = ("loss", "val_accuracy", "test_accuracy")


def convnet() -> NoReturn:
    """Trains the paper's small ConvNet (section 5.1) on all data, and exits."""

    def define() -> None:
        training.define(_optimizers(), epochs=300, batch_size=100)
        _define_sizes()

    training.main("cifar10_convnet", define, _convnet, _METRICS, _PLOTTED)


def wide_resnet() -> NoReturn:
    """Trains a Wide ResNet (the paper's Table 1), and exits."""

    def define() -> None:
        training.define(_optimizers(), epochs=300, batch_size=128)
        _define_sizes()
        flags.DEFINE_integer("depth", 28, "Convolutions, 6n + 4.", lower_bound=10)
        flags.DEFINE_integer("width", 10, "Factor of the 16, 32 and 64 filters.", lower_bound=1)
        flags.DEFINE_float("dropout", 0.0, "Rate between the convolutions of a block.", 0.0, 0.999)
        flags.DEFINE_float("weight_decay", 5e-4, "Share of a weight that is added to its gradient.", lower_bound=0.0)

    training.main("cifar10_wide_resnet", define, _wide_resnet, _METRICS, _PLOTTED)


def _optimizers() -> tuple[str, ...]:
    return _OPTIMIZERS + (_ADDONS if importlib.util.find_spec("tensorflow_addons") is not None else ())


def _define_sizes() -> None:
    flags.DEFINE_integer("train_examples", None, "Training images, the first of 45,000; by default all.", lower_bound=1)
    flags.DEFINE_integer(
        "eval_examples", None, "Images of validation (5,000) and test (10,000) each; by default all.", lower_bound=1
    )


def _convnet(values: Mapping[str, Any]) -> Experiment:
    from nos_tf.models import convnet

    def build(seed: int) -> Any:
        del seed  # It draws nothing after its initial weights.
        return convnet.build((32, 32, 3), 10)

    return _experiment("cifar10_convnet", "ConvNet-32", build, augment=False, values=values)


def _wide_resnet(values: Mapping[str, Any]) -> Experiment:
    from nos_tf.models import wide_resnet

    depth, width = values["depth"], values["width"]
    if (depth - 4) % 6:
        raise RunError(f"The depth must be 6n + 4, as 10, 16, 22 or 28. Received: --depth={depth}")
    build = functools.partial(
        wide_resnet.build, (32, 32, 3), 10, depth, width, values["dropout"], values["weight_decay"]
    )
    return _experiment("cifar10_wide_resnet", f"WRN-{depth}-{width}", build, augment=True, values=values)


def _experiment(name: str, model: str, build: Any, augment: bool, values: Mapping[str, Any]) -> Experiment:
    import tensorflow as tf

    from nos_tf.datasets.cifar10_batches import Cifar10
    from nos_tf.datasets.prepared import PreparedDataError
    from nos_tf.training.experiment import Experiment

    try:
        data = Cifar10.load(values["data_dir"], values["train_examples"], values["eval_examples"])
    except PreparedDataError as error:
        raise RunError(str(error)) from None
    epochs, batch_size, schedule = values["epochs"], values["batch_size"], values["schedule"]
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
        steps_per_epoch=training.steps_per_epoch(len(data.train.labels), batch_size),
        epochs=epochs,
        examples_per_step=batch_size,
    )
