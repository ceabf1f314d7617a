"""`python -m experiments.report`: the report of a run, or of several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from absl import flags

from nos_tf.cli import application, path_flags
from nos_tf.common.errors import RunError
from nos_tf.search import files


def define_flags() -> None:
    """Defines the flags of this command, which does not accept those of a search."""
    path_flags.define_multi("run_dir", "Run folder; repeat the flag to compare runs.")
    path_flags.define("optuna", None, "SQLite file for Optuna studies of the runs, in addition to the page.")
    path_flags.define(
        "output", None, "File of the page; by default report.html, or comparison.html, in the first run folder."
    )


def main() -> NoReturn:
    """Runs the command and exits."""
    define_flags()
    application.run(_main, "Interrupted; the report was not written.")


def _main() -> None:
    folders = [Path(name) for name in flags.FLAGS.run_dir]
    if not folders:
        raise RunError("Name a run folder. Received: no --run_dir")
    from nos_tf.search.reports import page, run_data  # Imported late because the plotting libraries are slow to load.

    runs = [run_data.load(folder) for folder in folders]
    default = files.REPORT if len(runs) == 1 else "comparison.html"
    path = Path(flags.FLAGS.output) if flags.FLAGS.output else folders[0] / default
    page.write(runs, path)
    print(f"Report: {path}")
    if flags.FLAGS.optuna:
        from nos_tf.search.reports import optuna_study  # Needs an extra.

        study = Path(flags.FLAGS.optuna)
        optuna_study.write(runs, study)
        print(f"Optuna studies: {study}")
