"""Search flags for the task and the reward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from absl import flags

from nos_tf.cli import sweep_flags
from nos_tf.evaluation.protocol import DECADES, REWARDS, Protocol
from nos_tf.search.configuration import Configuration

_PROTOCOL = ("reward", "epochs", "sweep_epochs", "hurdle", "give_up")
FAIR = ["fair"]  # Value of `--sweep`.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_string("task", "digits", "Task on which rules are evaluated.")
    flags.DEFINE_string("task_module", None, "Python module to import first; use it to register your own task.")
    flags.DEFINE_enum(
        "reward",
        Protocol().reward,
        list(REWARDS),
        "Reward of a training, on validation data. final_accuracy is the paper's; the others are means over epochs and "
        "distinguish good rules better.",
    )
    flags.DEFINE_integer(
        "epochs", None, "Epochs of the training that is rewarded; by default the task's.", lower_bound=1
    )
    flags.DEFINE_list(
        "sweep",
        FAIR,
        "Learning rates to try with each rule. fair: decades, then further and finer rates around the best one; paper: "
        "only the paper's decades; or a list of rates.",
    )
    default = Protocol()
    flags.DEFINE_integer(
        "sweep_epochs",
        default.sweep_epochs,
        "Epochs of the training at each rate of the sweep; the best one is then continued to --epochs. If equal to "
        "--epochs, every rate is trained to the end.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "hurdle",
        None,
        "Fraction of an epoch after which rates that trail are dropped; 0 to disable. By default "
        f"{default.hurdle}, or 0 if the sweep is a plain list of rates.",
        lower_bound=0.0,
        upper_bound=0.99,
    )
    flags.DEFINE_bool(
        "give_up", default.give_up, "Whether to end a sweep early if the rule does not learn at any rate of the grid."
    )
    flags.DEFINE_integer(
        "confirmation_seeds",
        None,
        "Further seeds with which a rule is trained if its reward comes close to the best baseline's; the mean is its "
        f"reward. By default {Configuration.confirmation_seeds}, or 0 if the sweep is a plain list of rates.",
        lower_bound=0,
    )


def protocol(values: Mapping[str, Any]) -> Protocol:
    """Returns the protocol that the flags describe.

    Raises:
      RunError: The sweep contains something other than positive numbers.
    """
    given = {name: values[name] for name in _PROTOCOL if values[name] is not None}
    sweep = list(values["sweep"])
    if sweep == FAIR:
        return Protocol(**given)
    return Protocol.plain(DECADES if sweep == ["paper"] else sweep_flags.positive_rates("sweep", sweep), **given)
