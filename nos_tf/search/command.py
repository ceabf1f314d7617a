"""`python -m experiments.search`: searches for an update rule and shows what it found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from absl import flags

from nos_tf import run_folder, style
from nos_tf.cli import application, shared_flags
from nos_tf.errors import RunError
from nos_tf.search import command_flags, files, progress, tensorboard
from nos_tf.search.configuration import differences
from nos_tf.search.observer import Observer, Observers
from nos_tf.search.run import plan, run
from nos_tf.search.store import Store


def main() -> NoReturn:
    """Runs the command and exits."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    command_flags.define()
    application.run(_main, "Interrupted. Every finished trial is saved; the same command with --resume goes on.")


def _main() -> None:
    values = flags.FLAGS
    shared_flags.check_resume()
    if values.tensorboard:
        tensorboard.check_installed()
    if values.data_dir is not None and not Path(values.data_dir).is_dir():
        raise RunError(f"There is no such folder; prepare the data first. Received: --data_dir={values.data_dir}")
    stored = _stored_flags(Path(values.run_dir)) if values.resume else None
    resolved = command_flags.resolved(stored)
    what = command_flags.configuration(resolved)
    if resolved["epochs"] is None:
        resolved["epochs"] = what.setup.get_task().epochs
    folder = shared_flags.run_dir(f"{what.task}-{what.searcher}")
    run_folder.check(folder, files.STORE, values.resume)
    print(f"Run folder: {folder}", flush=True)
    flags_to_keep = {**resolved, "run_dir": str(folder), "tensorboard": values.tensorboard}
    with progress.display(plan(what)) as status:
        observers: list[Observer] = [status]
        if values.tensorboard:
            observers.append(tensorboard.TensorBoardLog(folder / "tensorboard", resolved))
        run(what, folder, flags_to_keep, values.resume, Observers(*observers))
    _show(folder)


def _stored_flags(folder: Path) -> dict[str, Any] | None:
    """Flags of the run that the folder holds; None when it holds none yet.

    Raises:
      RunError: The run was begun with other flags than are given now.
    """
    run_folder.check(folder, files.STORE, resume=True)
    path = folder / files.STORE
    if not path.exists():
        return None
    with Store.read(path) as store:
        stored = store.run()["flags"]
    given = command_flags.given()
    different = differences(stored, given)
    if different:
        was = ", ".join(f"--{name}={stored.get(name)}" for name in different)
        now = ", ".join(f"--{name}={given[name]}" for name in different)
        raise RunError(
            f"The run folder holds a search with {was}; resume with these or choose another folder. Received: {now}"
        )
    trials = given.get("trials", stored["trials"])
    if trials < stored["trials"]:
        raise RunError(
            f"The run folder holds a search of {stored['trials']} trials and can only grow. Received: --trials={trials}"
        )
    return stored


def _show(folder: Path) -> None:
    # Loaded late: the figures' libraries are of no use to a command that is refused.

    from nos_tf.search.reports import console, leaderboard_files, page, run_data

    found = run_data.load(folder)
    leaderboard_files.write(found, folder)
    console.show(found, style.console())
    page.write([found], folder / files.REPORT)
    print(f"Report: {folder / files.REPORT}", flush=True)
