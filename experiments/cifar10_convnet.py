"""The paper's small ConvNet on CIFAR-10: python -m experiments.cifar10_convnet --data_dir=~/tensorflow_datasets

Source: Bello et al. (2017), section 5.1. If tensorflow-addons is installed, its optimizers are additional default
baselines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from experiments import cifar10
from nos_tf.training import command

if TYPE_CHECKING:
    import tensorflow as tf

    from nos_tf.training.experiment import Experiment

NAME = "cifar10_convnet"


def main() -> NoReturn:
    """Trains the ConvNet and exits."""
    command.main(NAME, lambda: cifar10.define(batch_size=100), _experiment, cifar10.METRICS, cifar10.PLOTTED)


def _experiment(values: Mapping[str, Any]) -> Experiment:
    from nos_tf.models import convnet

    def build(seed: int) -> tf.keras.Model:
        del seed  # Only the initial weights are random.
        return convnet.build((32, 32, 3), 10)

    return cifar10.experiment(NAME, "ConvNet-32", build, augment=False, values=values)


if __name__ == "__main__":
    main()
