"""Flags of a search that say what a rule trains, and how it is rewarded for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from absl import flags

from nos_tf.cli import sweep_flags
from nos_tf.evaluation.protocol import DECADES, REWARDS, Protocol

_PROTOCOL = ("reward", "epochs", "sweep_epochs", "hurdle", "give_up")


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_string("task", "digits", "Task that rules are rewarded on.")
    flags.DEFINE_string("task_module", None, "Python module to import first, which registers a task of your own.")
    flags.DEFINE_enum(
        "reward",
        Protocol().reward,
        list(REWARDS),
        "Reward of a training, on validation data: final_accuracy is the paper's; the others, means over its epochs, "
        "tell good rules apart better.",
    )
    flags.DEFINE_integer("epochs", None, "Epochs of the rewarded training; by default the task's own.", lower_bound=1)
    flags.DEFINE_list(
        "sweep",
        ["fair"],
        "Learning rates that each rule is tried with. fair: decades, and further and finer rates as the rule's best "
        "one asks for; paper: the paper's decades alone; or a list of rates.",
    )
    default = Protocol()
    flags.DEFINE_integer(
        "sweep_epochs",
        default.sweep_epochs,
        "Epochs of the training with each of them, of which the best one is continued; as many as --epochs trains each "
        "to the end.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "hurdle",
        None,
        "Part of an epoch after which rates that trail are given up; 0 for none. By default "
        f"{default.hurdle}, and none where the sweep is a plain list of rates.",
        lower_bound=0.0,
        upper_bound=0.99,
    )
    flags.DEFINE_bool(
        "give_up", default.give_up, "Whether a sweep ends early if no rate of its grid gets the rule off the ground."
    )


def protocol(values: Mapping[str, Any]) -> Protocol:
    """How a rule is rewarded.

    Raises:
      RunError: The sweep holds what is no positive number.
    """
    given = {name: values[name] for name in _PROTOCOL if values[name] is not None}
    sweep = list(values["sweep"])
    if sweep == ["fair"]:
        return Protocol(**given)
    return Protocol.plain(DECADES if sweep == ["paper"] else sweep_flags.positive_rates("sweep", sweep), **given)
