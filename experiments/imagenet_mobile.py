"""Mobile models on ImageNet: python -m experiments.imagenet_mobile --data_dir=~/tensorflow_datasets"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from nos_tf.common.errors import RunError
from nos_tf.training import command

if TYPE_CHECKING:
    from nos_tf.training.experiment import Experiment

NAME = "imagenet_mobile"
_MODELS = ("nasnet_mobile", "mobilenet_v2", "mobilenet_v3_small")
_METRICS = ("final_top1", "final_top5", "final_test_top1", "final_test_top5")
_PLOTTED = ("loss", "top1", "top5", "test_top1")


def main() -> NoReturn:
    """Trains a mobile model on ImageNet, as in the paper's second version, and exits."""
    command.main(NAME, _define, _experiment, _METRICS, _PLOTTED)


def _define() -> None:
    # Batch size and length follow NASNet's recipe: 50 replicas of 32 images, 250,000 steps.
    optimizers = ("rmsprop-nasnet", "powersign-cd", "addsign-rd10")
    command.define(optimizers, epochs=312, batch_size=1600, schedule="cosine", seeds=1)
    flags.DEFINE_enum("model", "nasnet_mobile", _MODELS, "Model to train from random weights.")
    flags.DEFINE_float("width", 1.0, "Multiplier of the MobileNets' filters.", lower_bound=0.01)
    flags.DEFINE_integer("image_size", 224, "Height and width of images in pixels.", lower_bound=32)
    flags.DEFINE_integer(
        "val_examples", 0, "Training images to hold out for selecting the learning rate; with 0, the training loss "
        "selects it. ImageNet's validation images are the test data, which select nothing.",
        lower_bound=0,
    )  # fmt: skip
    flags.DEFINE_bool("augment", True, "Randomly crop, flip and recolor training images, instead of a central crop.")
    flags.DEFINE_float("label_smoothing", 0.1, "Share of the target spread evenly over all classes.", 0.0, 0.999)
    flags.DEFINE_float("dropout", 0.5, "Dropout rate before the classifier.", 0.0, 0.999)
    flags.DEFINE_float(
        "auxiliary_weight", None, "Weight of the auxiliary head's loss, or 0 for no such head; by default 0.4 for "
        "NASNet. The MobileNets have no auxiliary head.",
        lower_bound=0.0,
    )  # fmt: skip
    flags.DEFINE_float("weight_decay", 4e-5, "Fraction of each weight added to its gradient.", lower_bound=0.0)
    flags.DEFINE_float(
        "batch_norm_momentum", None, "Momentum of the running statistics; by default the model's.", 0.0, 1.0
    )
    command.define_averages()
    flags.DEFINE_bool(
        "scale_learning_rate", False,
        f"Interpret learning rates as those for a batch of {command.REFERENCE_BATCH}, and scale them with the batch.",
    )  # fmt: skip


def _experiment(values: Mapping[str, Any]) -> Experiment:
    from nos_tf.datasets.imagenet import CLASSES, ImageNet
    from nos_tf.models import heads, mobile
    from nos_tf.training.experiment import Experiment
    from nos_tf.training.runtime import Runtime

    model = mobile.MODELS[values["model"]]
    auxiliary = values["auxiliary_weight"]
    if auxiliary is None:
        auxiliary = 0.4 if model.middle else 0.0
    build = functools.partial(
        mobile.build, values["model"], values["image_size"], CLASSES, values["width"], values["dropout"],
        bool(auxiliary), values["weight_decay"], values["batch_norm_momentum"],
    )  # fmt: skip
    try:
        mobile.require_buildable(values["model"], values["image_size"], values["width"], bool(auxiliary))
        data = ImageNet.load(values["data_dir"], values["val_examples"])
    except ValueError as error:
        raise RunError(str(error)) from None
    batch_size, size = values["batch_size"], values["image_size"]
    steps = command.steps_per_epoch(data.train.examples, batch_size)
    command.check_data(data.check_data)
    width = "" if values["width"] == 1.0 else f" {values['width']:g}"
    facts = {key: values[key] for key in ("image_size", "epochs", "batch_size", "schedule", "augment")}
    batches = functools.partial(data.batches, batch_size, size, values["augment"])
    replicas = Runtime(values["strategy"]).distribute_strategy.num_replicas_in_sync
    return Experiment(
        name=NAME,
        dataset=data.label,
        scale={"model": f"{model.title}{width}", **facts, "steps": steps * values["epochs"], **data.scale},
        build_model=build,
        loss=lambda: heads.HeadsCrossEntropy([1.0, auxiliary] if auxiliary else [1.0], values["label_smoothing"]),
        metrics=lambda: [heads.top(1), heads.top(5)],
        batches=batches,
        host_batches=batches,
        evaluations=data.evaluations(batch_size, size, replicas),
        objective="val_top1" if data.val else "loss",
        maximize=data.val is not None,
        steps_per_epoch=steps,
        epochs=values["epochs"],
        examples_per_step=batch_size,
    )


if __name__ == "__main__":
    main()
