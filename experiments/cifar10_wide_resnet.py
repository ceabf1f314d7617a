"""Wide ResNet on CIFAR-10: python -m experiments.cifar10_wide_resnet --data_dir=~/tensorflow_datasets

Source: Bello et al. (2017), Table 1. If tensorflow-addons is installed, its optimizers are additional default
baselines.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from experiments import cifar10
from nos_tf.common.errors import RunError
from nos_tf.training import command

if TYPE_CHECKING:
    from nos_tf.training.experiment import Experiment

NAME = "cifar10_wide_resnet"


def main() -> NoReturn:
    """Trains a Wide ResNet and exits."""
    command.main(NAME, _define, _experiment, cifar10.METRICS, cifar10.PLOTTED)


def _define() -> None:
    cifar10.define(batch_size=128)
    flags.DEFINE_integer("depth", 28, "Number of convolutions, 6n + 4.", lower_bound=10)
    flags.DEFINE_integer("width", 10, "Multiplier of the 16, 32 and 64 filters.", lower_bound=1)
    flags.DEFINE_float("dropout", 0.0, "Dropout rate between the convolutions of a block.", 0.0, 0.999)
    flags.DEFINE_float("weight_decay", 5e-4, "Fraction of each weight added to its gradient.", lower_bound=0.0)


def _experiment(values: Mapping[str, Any]) -> Experiment:
    from nos_tf.models import wide_resnet

    depth, width = values["depth"], values["width"]
    if (depth - 4) % 6:
        raise RunError(f"The depth must be 6n + 4, such as 10, 16, 22 or 28. Received: --depth={depth}")
    build = functools.partial(
        wide_resnet.build, (32, 32, 3), 10, depth, width, values["dropout"], values["weight_decay"]
    )
    return cifar10.experiment(NAME, f"WRN-{depth}-{width}", build, augment=True, values=values)


if __name__ == "__main__":
    main()
