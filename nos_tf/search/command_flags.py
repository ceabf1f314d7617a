"""Flags of `experiments.search`, and the configuration that they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from nos_tf import searchers
from nos_tf.cli import shared_flags, sweep_flags
from nos_tf.dsl.entries import Binary, Operand, Unary, base_names
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.errors import RunError
from nos_tf.evaluation.protocol import DECADES, REWARDS, Protocol
from nos_tf.search.configuration import BATCH_SIZE, Configuration

_PROTOCOL = ("reward", "epochs", "sweep_epochs", "hurdle", "give_up")
_RAY = ("ray_address", "worker_cpus", "worker_gpus")
_ELSEWHERE = ("run_dir", "resume", "tensorboard")  # These are no part of what a run is asked to find.


def define() -> None:
    """Defines all flags of the command."""
    shared_flags.define("<task>-<searcher>")
    flags.DEFINE_bool("tensorboard", False, "Also write TensorBoard scalars and HParams to the run folder.")

    flags.DEFINE_string("task", "digits", "Task that rules are rewarded on.")
    flags.DEFINE_string("task_module", None, "Python module to import first, which registers a task of your own.")
    flags.DEFINE_enum("searcher", "ppo", list(searchers.names()), "Who proposes rules.")
    flags.DEFINE_integer("trials", 300, "Distinct rules to evaluate, the random reference included.", lower_bound=1)
    flags.DEFINE_integer(
        "random_trials",
        None,
        "How many of the trials are uniform random search, run first: the reference that the searcher is compared with "
        "and learns nothing from. By default a quarter.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "test_seeds",
        20,
        "Fresh trainings of each finalist and baseline on test data; twice as many for what they leave undecided.",
        lower_bound=1,
    )

    flags.DEFINE_enum(
        "executor",
        None,
        ["in_process", "processes", "ray"],
        "Where rules are trained: in the search's own process, in others of this machine, or on a Ray cluster. By "
        "default as --workers asks.",
    )
    flags.DEFINE_integer(
        "workers",
        None,
        "Workers, each of one thread; the trials do not depend on their number. By default one for each core, at most "
        "one for each rule of a batch; on a Ray cluster as many as it has room for, and more when nodes join. 1 trains "
        "in the search's own process.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "ray_address",
        Configuration.ray_address,
        "Ray cluster: local starts one on this machine, auto takes the one that this machine is part of, HOST:PORT "
        "names its head.",
    )
    flags.DEFINE_float("worker_cpus", 1.0, "Cores of a Ray node that one worker takes.", lower_bound=0.001)
    flags.DEFINE_float("worker_gpus", 0.0, "GPUs of a Ray node that one worker takes, or a part.", lower_bound=0.0)
    flags.DEFINE_integer(
        "in_flight",
        None,
        "Rules that are out at once while the searcher goes on proposing, and learns from them in the order that they "
        "come back in: as many as there are workers, or some more. By default a batch is learned from before the next "
        "is proposed, and the trials do not depend on timing.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "trial_timeout",
        600.0,
        "Seconds after which a worker counts as hanging; its rule is tried once more.",
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

    flags.DEFINE_integer("batch_size", BATCH_SIZE, "Rules from one update of the searcher to the next.", lower_bound=1)
    _define_settings()

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


def _setting_flags(searcher: str) -> dict[str, dataclasses.Field[Any]]:
    """The settings of a searcher that are flags, by the name of the flag."""
    fields = dataclasses.fields(searchers.settings(searcher))
    return {field.metadata["flag"]: field for field in fields if field.metadata["flag"]}


def _define_settings() -> None:
    """Defines a flag for each setting of any searcher; one that is not given has the searcher's own default."""
    users: dict[str, dict[str, dataclasses.Field[Any]]] = {}
    for searcher in searchers.names():
        for name, field in _setting_flags(searcher).items():
            users.setdefault(name, {})[searcher] = field
    for name, fields in users.items():
        first = next(iter(fields.values()))
        by_default: dict[Any, list[str]] = {}
        for searcher, field in fields.items():
            by_default.setdefault(field.default, []).append(searcher)
        defaults = "; ".join(f"{value} ({', '.join(names)})" for value, names in by_default.items())
        text = f"{first.metadata['help']} By default {defaults}."
        low = max(
            (bound for word in ("at least", "above") if (bound := first.metadata["bounds"][word]) is not None),
            default=None,
        )
        if isinstance(first.default, bool):
            flags.DEFINE_bool(name, None, text)
        elif isinstance(first.default, int):
            flags.DEFINE_integer(name, None, text, lower_bound=low)
        else:
            flags.DEFINE_float(name, None, text, lower_bound=low)


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
    for name, field in _setting_flags(values["searcher"]).items():
        if values[name] is None:
            values[name] = field.default
    if values["workers"] is None and values["executor"] != "ray":
        in_process = values["executor"] == "in_process"
        busy = values["in_flight"] or values["batch_size"]
        values["workers"] = 1 if in_process else min(_cores(), busy)
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
    if values["executor"] != "ray":
        for name in _RAY:
            if flags.FLAGS[name].present:
                raise RunError(
                    f"Only a Ray cluster needs this; drop it, or add --executor=ray. Received: --{name}={values[name]}"
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
    settings = _setting_flags(values["searcher"])
    others = {name for searcher in searchers.names() for name in _setting_flags(searcher)}.difference(settings)
    for name in sorted(others):
        if flags.FLAGS[name].present:
            raise RunError(
                f"This is not a setting of --searcher={values['searcher']}; drop it. Received: --{name}={values[name]}"
            )
    chosen = {field.name: values[name] for name, field in settings.items()}
    try:
        searchers.settings(values["searcher"], **chosen)
    except ValueError as error:
        raise RunError(str(error)) from None
    return Configuration(
        space=space,
        searcher_settings=chosen,
        protocol=_protocol(values["sweep"], {name: values[name] for name in _PROTOCOL}),
        **{
            name: values[name]
            for name in (
                "task", "task_module", "data_dir", "seed", "searcher", "trials", "random_trials", "batch_size",
                "test_seeds", "in_flight", "executor", "workers", "trial_timeout", *_RAY,
            )
        },
    )  # fmt: skip


def _protocol(sweep: Sequence[str], others: Mapping[str, Any]) -> Protocol:
    given = {name: value for name, value in others.items() if value is not None}
    if list(sweep) == ["fair"]:
        return Protocol(**given)
    rates = DECADES if list(sweep) == ["paper"] else sweep_flags.positive_rates("sweep", sweep)
    return Protocol.plain(rates, **given)


def _names() -> list[str]:
    """Names of this command's flags, those of absl left out."""
    modules = flags.FLAGS.flags_by_module_dict()
    own = {flag.name for module in (__name__, shared_flags.__name__) for flag in modules.get(module, ())}
    return sorted(own.difference(_ELSEWHERE))


def _cores() -> int:
    import joblib  # Loaded late: most commands that are refused never ask.

    return joblib.cpu_count()
