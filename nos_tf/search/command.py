"""`python -m experiments.search`: searches for an update rule and reports the results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from absl import flags

from nos_tf.cli import application, shared_flags
from nos_tf.common import style
from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder
from nos_tf.search import command_flags, files, progress, tensorboard
from nos_tf.search.configuration import differences
from nos_tf.search.executors import ray_cluster
from nos_tf.search.observer import Observer, Observers
from nos_tf.search.run import plan, run
from nos_tf.search.store import Store


def main() -> NoReturn:
    """Runs the command and exits."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    command_flags.define()
    application.run(
        _main, "Interrupted. Every finished trial is saved; rerun the same command with --resume to continue."
    )


def _main() -> None:
    values = flags.FLAGS
    if values.tensorboard:
        tensorboard.check_installed()
    shared_flags.check_data_dir()
    path = shared_flags.run_dir(f"{values.task}-{values.searcher}")
    with RunFolder(path, files.STORE, values.resume) as folder:
        resolved = command_flags.resolved(_stored_flags(folder / files.STORE))
        if resolved["executor"] == "ray":
            ray_cluster.check_installed()
        what = command_flags.configuration(resolved)
        if resolved["epochs"] is None and not what.setup.is_suite:
            resolved["epochs"] = what.setup.get_task().epochs
        print(f"Run folder: {path}", flush=True)
        flags_to_keep = {**resolved, "run_dir": str(path), "tensorboard": values.tensorboard}
        with progress.display(plan(what)) as status:
            observers: list[Observer] = [status]
            if values.tensorboard:
                observers.append(tensorboard.TensorBoardLog(folder / "tensorboard", resolved))
            run(what, folder, flags_to_keep, Observers(*observers))
        _show(path)


def _stored_flags(path: Path) -> dict[str, Any] | None:
    """Flags of the stored run, or None for a new one.

    Raises:
      RunError: The given flags conflict with those of the stored run.
    """
    if not path.exists():
        return None
    with Store.read(path) as store:
        stored = command_flags.renamed(store.description()["flags"])
    given = command_flags.given()
    different = differences(stored, given)
    if different:
        before = ", ".join(f"--{name}={stored.get(name)}" for name in different)
        now = ", ".join(f"--{name}={given[name]}" for name in different)
        raise RunError(
            f"The run folder holds a search with {before}; resume with these or choose another folder. Received: {now}"
        )
    trials = given.get("trials", stored["trials"])
    if trials < stored["trials"]:
        raise RunError(
            f"The run folder holds a search with {stored['trials']} trials, which can only grow; raise --trials. "
            f"Received: --trials={trials}"
        )
    return stored


def _show(folder: Path) -> None:
    # Imported late so that a rejected command does not load the plotting libraries.

    from nos_tf.search.reports import console, leaderboard_files, page, run_data

    data = run_data.load(folder)
    leaderboard_files.write(data, folder)
    console.show(data, style.console())
    page.write([data], folder / files.REPORT)
    print(f"Report: {folder / files.REPORT}", flush=True)
