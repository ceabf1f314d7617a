"""Flags that every script with a run folder of its own shares."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from absl import flags

from nos_tf.errors import RunError


def define(name: str) -> None:
    """Defines `--run_dir`, `--data_dir`, `--seed` and `--resume`.

    Args:
      name: Beginning of the default folder's name, as `run_dir` takes it.
    """
    flags.DEFINE_string("run_dir", None, f"Folder of the run; by default runs/{name}-<time>.")
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared TensorFlow Datasets; by default that of tensorflow_datasets itself."
    )
    flags.DEFINE_integer("seed", 0, "Seed of everything random: the same seed gives the same results.", lower_bound=0)
    flags.DEFINE_bool("resume", False, "Go on with what the run folder holds; an empty or missing one begins anew.")


# Flags that change where a run lies and how far it went, but none of its numbers.
WITHOUT_NUMBERS = frozenset({"run_dir", "data_dir", "resume"})


def own() -> dict[str, flags.Flag]:
    """All flags but absl's own, by name."""
    modules = flags.FLAGS.flags_by_module_dict()
    return {
        flag.name: flag
        for module, group in modules.items()
        if module == sys.argv[0] or module.startswith(("nos_tf.", "experiments."))
        for flag in group
    }


def values() -> dict[str, Any]:
    """Values of all flags but absl's own, by name."""
    return {name: flag.value for name, flag in own().items()}


def check_data_dir() -> None:
    """Refuses a folder of data that is not there.

    Raises:
      RunError: It is not.
    """
    folder = flags.FLAGS.data_dir
    if folder is not None and not Path(folder).is_dir():
        raise RunError(f"There is no such folder; prepare the data first. Received: --data_dir={folder}")


def run_dir(name: str) -> Path:
    """Folder of the run: `--run_dir`, or one that is named after the run and the time.

    Raises:
      RunError: There is no `--run_dir`, but `--resume`.
    """
    if flags.FLAGS.resume and flags.FLAGS.run_dir is None:
        raise RunError("Name the run to go on with. Received: --resume without --run_dir")
    return Path(flags.FLAGS.run_dir or f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}")
