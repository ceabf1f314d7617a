"""How the evaluator of a run is built, as plain data that can be sent to another process."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nos_tf.search.errors import SearchError
from nos_tf.search.executors.job import Evaluates

if TYPE_CHECKING:
    from nos_tf.tasks import Task


@dataclasses.dataclass(frozen=True)
class EvaluatorSetup:
    """What an evaluator is made of.

    Attributes:
      task: Name of the task.
      protocol: Fields of `nos_tf.evaluation.Protocol`.
      task_module: Module to import first, which registers the task.
      data_dir: Folder of the prepared datasets.
    """

    task: str
    protocol: Mapping[str, Any]
    task_module: str | None = None
    data_dir: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data that the constructor takes."""
        return dataclasses.asdict(self)

    def get_task(self) -> Task:
        """The task; its data are not read.

        Raises:
          SearchError: There is no such module or task.
        """
        from nos_tf import tasks

        if self.task_module is not None:
            try:
                importlib.import_module(self.task_module)
            except ImportError as error:
                raise SearchError(
                    f"The module cannot be imported ({error}); run from its folder or install it. "
                    f"Received: --task_module={self.task_module}"
                ) from None
        try:
            return tasks.get(self.task)
        except ValueError as error:
            raise SearchError(f"{error}. Received: --task={self.task}") from None

    def describe_data(self) -> str:
        """What the data is, in words.

        Raises:
          SearchError: It is not where it should be.
        """
        try:
            return self.get_task().describe_data(self.data_dir)
        except (ValueError, OSError) as error:
            raise SearchError(str(error)) from None

    def build(self) -> Evaluates:
        """The evaluator."""
        load_tensorflow()
        from nos_tf.evaluation import Evaluator, Protocol

        protocol = {**self.protocol, "learning_rates": tuple(self.protocol["learning_rates"])}
        return Evaluator(self.get_task(), Protocol(**protocol), self.data_dir)


def set_environment() -> None:
    """Sets what TensorFlow reads when it is loaded, for this process and its workers; what the user set stays."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def load_tensorflow() -> None:
    """Loads TensorFlow and holds it to one thread, whoever loaded it first.

    With one thread, results do not depend on how many cores there are, nor on where a rule is trained.
    """
    set_environment()
    with _no_standard_error():
        import tensorflow as tf
    with contextlib.suppress(RuntimeError):  # It is at work already, and its threads can no longer be changed.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


@contextlib.contextmanager
def _no_standard_error() -> Iterator[None]:
    """Drops what is written to standard error: TensorFlow greets there, whatever its log level, amid the progress."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
