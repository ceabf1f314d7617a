"""Flags of `experiments.search`, and the configuration built from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from absl import flags

from nos_tf.cli import shared_flags
from nos_tf.common.errors import RunError
from nos_tf.search import child_flags, run_flags, searcher_flags
from nos_tf.search.configuration import Configuration
from nos_tf.tasks.suite import SUITES

_GROUPS = (child_flags, searcher_flags, run_flags)  # In the order of `--helpfull`.
_ELSEWHERE = ("run_dir", "resume", "tensorboard")  # Not part of a run's configuration.


def define() -> None:
    """Defines all flags of the command."""
    shared_flags.define("<task>-<searcher>")
    for group in _GROUPS:
        group.define()


def given() -> dict[str, Any]:
    """Values of the flags set on the command line or in a flagfile, as JSON-serializable data."""
    return {name: flags.FLAGS[name].value for name in _names() if flags.FLAGS[name].present}


def renamed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values under the current names of their flags."""
    return {searcher_flags.ALIASES.get(name, name): value for name, value in stored.items()}


def resolved(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of all flags: the given value, else the one stored with the run, else the default."""
    values: dict[str, Any] = {name: flags.FLAGS[name].value for name in _names()}
    if stored is not None:
        values |= {name: value for name, value in stored.items() if name in values and name not in _outdated(stored)}
        values |= given()
    if values["random_trials"] is None:
        values["random_trials"] = 0 if values["searcher"] == "random" else values["trials"] // 4
    for name, field in searcher_flags.of(values["searcher"]).items():
        if values[name] is None:
            values[name] = field.default
    if values["confirmation_seeds"] is None:
        is_fair = list(values["sweep"]) == child_flags.FAIR
        is_confirmed = is_fair and values["task"] not in SUITES
        values["confirmation_seeds"] = Configuration.confirmation_seeds if is_confirmed else 0
    if values["workers"] is None and values["executor"] != "ray":
        in_process = values["executor"] == "in_process"
        busy = values["in_flight"] or values["batch_size"]
        values["workers"] = 1 if in_process else min(_cores(), busy)
    if values["executor"] is None:
        values["executor"] = "in_process" if values["workers"] == 1 else "processes"
    return values


def _outdated(stored: Mapping[str, Any]) -> set[str]:
    """Names of stored values that may have been derived from others, which this command changes."""
    changed = given()
    outdated = set()
    if "executor" in changed:
        outdated.add("workers")
    if "workers" in changed and stored.get("executor") == "in_process":
        outdated.add("executor")
    return outdated


def configuration(values: Mapping[str, Any]) -> Configuration:
    """Returns the configuration that the flags describe.

    Raises:
      RunError: The flags ask for something impossible.
    """
    if values["executor"] == "in_process" and values["workers"] != 1:
        raise RunError(
            "In-process trainings run one at a time; drop --executor or --workers. "
            f"Received: --executor=in_process --workers={values['workers']}"
        )
    if values["confirmation_seeds"] and values["task"] in SUITES:
        raise RunError(
            "A suite is not confirmed with further seeds, since its score is a mean over tasks; drop the flag. "
            f"Received: --confirmation_seeds={values['confirmation_seeds']}"
        )
    if values["executor"] != "ray":
        for name in run_flags.RAY:
            if flags.FLAGS[name].present:
                raise RunError(
                    f"This flag needs --executor=ray; add it or drop the flag. Received: --{name}={values[name]}"
                )
    return Configuration(
        space=searcher_flags.space(values),
        searcher_settings=searcher_flags.settings(values),
        protocol=child_flags.protocol(values),
        **{
            name: values[name]
            for name in (
                "task", "task_module", "data_dir", "seed", "searcher", "trials", "random_trials", "batch_size",
                "confirmation_seeds", "test_seeds", "in_flight", "executor", "workers", "trial_timeout", *run_flags.RAY,
            )
        },
    )  # fmt: skip


def _names() -> list[str]:
    """Names of this command's flags, without those of absl."""
    modules = flags.FLAGS.flags_by_module_dict()
    names = {flag.name for group in (shared_flags, *_GROUPS) for flag in modules[group.__name__]}
    return sorted(names.difference(_ELSEWHERE, searcher_flags.ALIASES))


def _cores() -> int:
    import joblib  # Imported late so that a rejected command fails fast.

    return joblib.cpu_count()
