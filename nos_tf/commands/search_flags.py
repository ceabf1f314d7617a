"""Flags of `experiments.search`, and the configuration that they make."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from absl import flags

from nos_tf import searchers
from nos_tf.cli import shared_flags, sweep_flags
from nos_tf.dsl.entries import Binary, Operand, Unary, base_names
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.errors import RunError
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.search.configuration import Configuration

# For each searcher, the flags that are its settings, and the names that it knows them by.
_POLICY_GRADIENT = {name: name for name in ("units", "embedding", "entropy_weight", "baseline_decay", "repeats_earn")}
_SETTINGS: dict[str, dict[str, str]] = {
    "ppo": {**_POLICY_GRADIENT, "learning_rate": "learning_rate", "ppo_epochs": "epochs", "ppo_clip": "clip"},
    "trpo": {**_POLICY_GRADIENT, "trpo_max_kl": "max_kl"},
    "reinforce": {**_POLICY_GRADIENT, "learning_rate": "learning_rate"},
    "evolution": {"population_size": "population_size", "tournament_size": "tournament_size"},
}
_ALL_SETTINGS = {name for names in _SETTINGS.values() for name in names}
_PROTOCOL = ("reward", "epochs", "sweep_epochs")
_ELSEWHERE = ("run_dir", "resume", "tensorboard")  # These are no part of what a run is asked to find.


def define() -> None:
    """Defines all flags of the command."""
    shared_flags.define()
    flags.DEFINE_string("run_dir", None, "Folder of the run; by default runs/<task>-<searcher>-<time>.")
    flags.DEFINE_bool("tensorboard", False, "Also write TensorBoard scalars and HParams to the run folder.")

    flags.DEFINE_string("task", "digits", "Task that rules are rewarded on.")
    flags.DEFINE_string("task_module", None, "Python module to import first, which registers a task of your own.")
    flags.DEFINE_enum("searcher", "ppo", list(searchers.NAMES), "Who proposes rules.")
    flags.DEFINE_integer("trials", 300, "Distinct rules to evaluate, the random reference included.", lower_bound=1)
    flags.DEFINE_integer(
        "random_trials",
        None,
        "How many of the trials are uniform random search, run first: the reference that the searcher is compared with "
        "and learns nothing from. By default a quarter.",
        lower_bound=0,
    )
    flags.DEFINE_integer("test_seeds", 5, "Fresh trainings of each of the best rules on test data.", lower_bound=1)

    flags.DEFINE_enum(
        "executor", None, ["in_process", "processes"], "Where rules are trained; by default as --workers asks."
    )
    flags.DEFINE_integer(
        "workers",
        None,
        "Worker processes, each of one thread; the trials do not depend on their number. By default one for each core, "
        "at most one for each rule of a batch; 1 trains in the search's own process.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "trial_timeout",
        600.0,
        "Seconds after which a worker process counts as hanging; its rule is tried once more.",
        lower_bound=0.001,
    )

    flags.DEFINE_integer("num_groups", 2, "Groups of five tokens that a rule has.", lower_bound=1, upper_bound=4)
    tables: dict[str, Mapping[str, Operand | Unary | Binary]] = {"operands": OPERANDS, "unary": UNARY, "binary": BINARY}
    for name, table in tables.items():
        flags.DEFINE_list(
            name, list(base_names(table)), f"Primitives that rules are made of. Known: {', '.join(table)}."
        )
    flags.DEFINE_list(
        "constraints", list(CONSTRAINTS), f"What every rule must meet. Known: {', '.join(CONSTRAINTS)}; none: ''."
    )

    flags.DEFINE_integer("batch_size", 8, "Rules from one update of the searcher to the next.", lower_bound=1)
    flags.DEFINE_integer("units", 150, "Units of the controller's LSTM.", lower_bound=1)
    flags.DEFINE_integer("embedding", 32, "Size of the controller's embedding of a token.", lower_bound=1)
    flags.DEFINE_float(
        "learning_rate", 1e-3, "Learning rate of the controller's Adam (ppo, reinforce). The paper's is 1e-5, for "
        "searches of tens of thousands of rules.", lower_bound=0.0
    )  # fmt: skip
    flags.DEFINE_float(
        "entropy_weight",
        0.0015,
        "Bonus for a nat of the controller's entropy; the default is the paper's.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "baseline_decay", 0.9, "Weight of the past in the moving average that rewards are compared with.", 0.0, 1.0
    )
    flags.DEFINE_bool(
        "repeats_earn",
        False,
        "Let a rule that equals an earlier one earn its reward again, as in the paper; by default it earns 0, which "
        "drives the controller on to new rules.",
    )
    flags.DEFINE_integer("ppo_epochs", 4, "Steps that PPO takes on each batch.", lower_bound=1)
    flags.DEFINE_float("ppo_clip", 0.2, "PPO's bound of the change of a token's probability.", 0.0, 1.0)
    flags.DEFINE_float("trpo_max_kl", 0.3, "TRPO's bound of a step, in nats of a rule.", lower_bound=0.0)
    flags.DEFINE_integer("population_size", 50, "Rules alive at a time in regularised evolution.", lower_bound=1)
    flags.DEFINE_integer("tournament_size", 10, "Rules of which the best one becomes a parent.", lower_bound=1)

    flags.DEFINE_enum(
        "reward",
        Protocol().reward,
        list(REWARDS),
        "Reward of a training, on validation data: final_accuracy is the paper's; the others, means over its epochs, "
        "tell good rules apart better.",
    )
    flags.DEFINE_integer("epochs", None, "Epochs of the rewarded training; by default the task's own.", lower_bound=1)
    flags.DEFINE_list(
        "sweep", [f"1e{exponent}" for exponent in range(-5, 2)], "Learning rates that each rule is tried with."
    )
    flags.DEFINE_integer("sweep_epochs", 1, "Epochs of the training with each of them.", lower_bound=1)


def given() -> dict[str, Any]:
    """Values of the flags that the command line or a flagfile sets, as JSON can hold them."""
    return {name: flags.FLAGS[name].value for name in _names() if flags.FLAGS[name].present}


def resolved(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of all flags: what is given, else what the run was begun with, else the default."""
    values: dict[str, Any] = {name: flags.FLAGS[name].value for name in _names()}
    if stored is not None:
        values |= {name: value for name, value in stored.items() if name in values} | given()
    if values["random_trials"] is None:
        values["random_trials"] = 0 if values["searcher"] == "random" else values["trials"] // 4
    if values["workers"] is None:
        in_process = values["executor"] == "in_process"
        values["workers"] = 1 if in_process else min(len(os.sched_getaffinity(0)), values["batch_size"])
    if values["executor"] is None:
        values["executor"] = "in_process" if values["workers"] == 1 else "processes"
    return values


def configuration(values: Mapping[str, Any]) -> Configuration:
    """What the flags ask for.

    Raises:
      RunError: They ask for something impossible.
    """
    if values["executor"] == "in_process" and values["workers"] != 1:
        raise RunError(
            "In-process trainings run one at a time; drop --executor or --workers. "
            f"Received: --executor=in_process --workers={values['workers']}"
        )
    try:
        space = SearchSpace(
            num_groups=values["num_groups"],
            operands=tuple(values["operands"]),
            unary=tuple(values["unary"]),
            binary=tuple(values["binary"]),
            constraints=frozenset(values["constraints"]),
        )
    except ValueError as error:
        raise RunError(str(error)) from None
    settings = _SETTINGS.get(values["searcher"], {})
    for name in sorted(_ALL_SETTINGS.difference(settings)):
        if flags.FLAGS[name].present:
            raise RunError(
                f"This is no setting of --searcher={values['searcher']}; drop it. Received: --{name}={values[name]}"
            )
    rates = sweep_flags.positive_rates("sweep", values["sweep"])
    return Configuration(
        space=space,
        searcher_settings={setting: values[name] for name, setting in settings.items()},
        protocol={"learning_rates": rates, **{name: values[name] for name in _PROTOCOL}},
        **{
            name: values[name]
            for name in (
                "task", "task_module", "data_dir", "seed", "searcher", "trials", "random_trials", "batch_size",
                "test_seeds", "executor", "workers", "trial_timeout",
            )
        },
    )  # fmt: skip


def _names() -> list[str]:
    """Names of this command's flags, those of absl left out."""
    modules = flags.FLAGS.flags_by_module_dict()
    own = {flag.name for module in (__name__, shared_flags.__name__) for flag in modules.get(module, ())}
    return sorted(own.difference(_ELSEWHERE))
