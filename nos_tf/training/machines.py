"""The run folder of each of several machines that train together.

The first machine, the chief, has the run folder itself; each other one writes to a folder beside it. When a run is
resumed, all take what the chief has saved: after a crash, others may have saved more or less.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from nos_tf.errors import RunError
from nos_tf.run_folder import CONFIGURATION, RunFolder, writing


def own_folder(folder: Path) -> Path:
    """The folder of this machine.

    Args:
      folder: That of the chief.

    Raises:
      RunError: `TF_CONFIG` does not say which machine this is.
    """
    try:
        config = json.loads(os.environ.get("TF_CONFIG", ""))
        kind, index = config["task"]["type"], int(config["task"]["index"])
        is_chief = kind == "chief" or (index == 0 and "chief" not in config["cluster"])
    except (ValueError, KeyError, TypeError):
        raise RunError(
            "Training on several machines needs TF_CONFIG in the environment: the cluster and this machine's task. "
            f"Received: TF_CONFIG={os.environ.get('TF_CONFIG')!r}"
        ) from None
    return folder if is_chief else folder.with_name(f"{folder.name}-{kind}-{index}")


def take_over(chief: Path, own: RunFolder) -> None:
    """Replaces what this machine has saved of a run by what the chief has; done before the machines meet.

    Args:
      chief: The chief's folder, which no step has changed yet.
      own: Folder of this machine, another one, and locked.

    Raises:
      RunError: The chief's run is not to be seen from here, or the folder cannot be written.
    """
    if not (chief / CONFIGURATION).exists():
        if (own / CONFIGURATION).exists():
            raise RunError(
                "To resume, every machine must see the run folder of the first one; put it on a file system that they "
                f"share. Received: {chief}"
            )
        return
    with writing(own.path):
        shutil.rmtree(own / "trainings", ignore_errors=True)
        shutil.copytree(chief, own.path, ignore=shutil.ignore_patterns("run.lock", ".new-*"), dirs_exist_ok=True)
