"""Run folders for training on several machines.

The first machine, the chief, uses the run folder itself; every other machine writes to a folder next to it. A resumed
run starts from the chief's files on all machines, because after a crash the others may have saved more or less.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import CONFIGURATION, NEW, RESULTS, RunFolder, writing


def own_folder(folder: Path) -> Path:
    """The folder of this machine.

    Args:
      folder: Folder of the chief.

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
    """Replaces this machine's saved run with the chief's; called before the machines connect.

    Args:
      chief: Folder of the chief, not yet changed by this session.
      own: Folder of this machine, which is not the chief; locked.

    Raises:
      RunError: The chief's run is not visible from here, or the folder cannot be written.
    """
    if not (chief / CONFIGURATION).exists():
        if (own / CONFIGURATION).exists():
            raise RunError(
                "To resume, every machine must see the first machine's run folder; put it on a shared file system. "
                f"Received: {chief}"
            )
        return
    with writing(own.path):
        shutil.rmtree(own / "trainings", ignore_errors=True)
        (own / RESULTS).unlink(missing_ok=True)
        shutil.copytree(chief, own.path, ignore=shutil.ignore_patterns("run.lock", f"{NEW}*"), dirs_exist_ok=True)
