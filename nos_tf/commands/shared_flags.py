"""Flags that every script shares; `--run_dir` is each script's own, as some take several."""

from __future__ import annotations

from absl import flags


def define() -> None:
    """Defines `--data_dir`, `--seed` and `--resume`."""
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared TensorFlow Datasets; by default that of tensorflow_datasets itself."
    )
    flags.DEFINE_integer("seed", 0, "Seed of everything random: the same seed gives the same results.", lower_bound=0)
    flags.DEFINE_bool("resume", False, "Go on with what the run folder holds; an empty or missing one begins anew.")
