"""Flags shared by all scripts that write a run folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from absl import flags

from nos_tf.cli import path_flags
from nos_tf.common.errors import RunError

_LARGEST_SEED = 2**31 - 1  # Keras takes twice as many, which leaves room for the seeds that follow this one.


def define(name: str) -> None:
    """Defines `--run_dir`, `--data_dir`, `--seed` and `--resume`.

    Args:
      name: Prefix of the default folder's name, as for `run_dir`.
    """
    path_flags.define("run_dir", None, f"Run folder; by default runs/{name}-<time>.")
    path_flags.define(
        "data_dir", None, "Folder with prepared TensorFlow Datasets; by default that of tensorflow_datasets."
    )
    flags.DEFINE_integer(
        "seed", 0, "Random seed; the same seed gives the same results.", lower_bound=0, upper_bound=_LARGEST_SEED
    )
    flags.DEFINE_bool("resume", False, "Continue the run in the run folder; start a new one if it is empty or missing.")


# Flags that do not affect a run's results.
WITHOUT_NUMBERS = frozenset({"run_dir", "data_dir", "resume"})


def project_flags() -> dict[str, flags.Flag]:
    """All flags except absl's, by name."""
    modules = flags.FLAGS.flags_by_module_dict()
    return {
        flag.name: flag
        for module, group in modules.items()
        if module == sys.argv[0] or module.startswith(("nos_tf.", "experiments."))
        for flag in group
    }


def values() -> dict[str, Any]:
    """Values of all flags except absl's, by name."""
    return {name: flag.value for name, flag in project_flags().items()}


def check_data_dir() -> None:
    """Checks that the data folder exists.

    Raises:
      RunError: `--data_dir` names a missing folder.
    """
    folder = flags.FLAGS.data_dir
    if folder is not None and not Path(folder).is_dir():
        raise RunError(f"The data folder does not exist; prepare the data first. Received: --data_dir={folder}")


def run_dir(name: str) -> Path:
    """Returns the run folder: `--run_dir`, or one named after the run and the time.

    Raises:
      RunError: `--resume` is given without `--run_dir`.
    """
    if flags.FLAGS.resume and flags.FLAGS.run_dir is None:
        raise RunError("Name the run to resume. Received: --resume without --run_dir")
    return Path(flags.FLAGS.run_dir or f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}")
