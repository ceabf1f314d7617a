"""Several machines that train together: the run folder of each, and how they save and stop together.

The first machine, the chief, has the run folder itself; each other one writes to a folder beside it. When a run is
resumed, all take what the chief has saved: after a crash, others may have saved more or less.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nos_tf.errors import RunError
from nos_tf.run_folder import CONFIGURATION, RunFolder, writing
from nos_tf.training.interruption import Interruption

if TYPE_CHECKING:
    import tensorflow as tf


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


class Agreement:
    """Lets all machines save and stop after the same step: a save takes all of them, as they share some variables.

    Args:
      strategy: What the machines train with; a single machine agrees with itself, at no cost.
      interruption: Of this machine; gets the signal that another one received.
    """

    def __init__(self, strategy: tf.distribute.Strategy, interruption: Interruption):
        import tensorflow as tf

        self._interruption = interruption
        self._exchange: Callable[[list[float]], Any] | None = None
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):

            @tf.function(input_signature=[tf.TensorSpec([3])])
            def exchange(said: tf.Tensor) -> tf.Tensor:
                return strategy.reduce("SUM", strategy.run(tf.identity, (said,)), axis=None)

            self._exchange = exchange

    def reach(self, due: bool) -> tuple[bool, bool]:
        """Tells the others of a signal and hears of theirs; called after the same steps by all.

        Args:
          due: Whether this machine wants to save.

        Returns:
          Whether one machine does, and whether one was asked to stop; a signal from now on waits for the next call.
        """
        if self._exchange is None:
            return due, self._interruption.check()
        received = self._interruption.received
        said = [float(due), float(received == signal.SIGINT), float(received == signal.SIGTERM)]
        due, interrupted, terminated = (bool(count) for count in self._exchange(said).numpy())
        if terminated or interrupted:
            self._interruption.received = signal.SIGTERM if terminated else signal.SIGINT
        return due, terminated or interrupted


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turns the loss of another machine into one line.

    Raises:
      RunError: One has gone.
    """
    import tensorflow as tf

    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        reason = " ".join(str(error).split())[:160]
        raise RunError(
            f"Another machine has gone ({reason}); start and resume all of them, and they go on from the "
            "last save of the first one"
        ) from None
