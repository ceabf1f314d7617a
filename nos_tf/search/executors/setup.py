"""How the evaluator of a run is built, as plain data that can be sent to another process."""

from __future__ import annotations

import dataclasses
import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nos_tf.errors import RunError, first_line, summary
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search.executors.job import Evaluates
from nos_tf.tensorflow_loading import load_quietly, load_single_threaded

if TYPE_CHECKING:
    from nos_tf.tasks import Task


@dataclasses.dataclass(frozen=True)
class EvaluatorSetup:
    """What an evaluator is made of.

    Attributes:
      task: Name of the task.
      protocol: How a rule is rewarded.
      task_module: Module to import first, which registers the task.
      data_dir: Folder of the prepared datasets.
    """

    task: str
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    task_module: str | None = None
    data_dir: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data for `from_json`, of the same meaning in another folder."""
        folder = None if self.data_dir is None else str(Path(self.data_dir).expanduser().absolute())
        return dataclasses.asdict(dataclasses.replace(self, data_dir=folder))

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> EvaluatorSetup:
        """The inverse of `to_json`; JSON knows lists alone."""
        protocol = description["protocol"]
        rates = tuple(protocol["learning_rates"])
        return cls(**{**description, "protocol": Protocol(**{**protocol, "learning_rates": rates})})

    def get_task(self) -> Task:
        """The task; its data are not read.

        Raises:
          RunError: There is no such module or task.
        """
        from nos_tf import tasks

        if self.task_module is not None:
            load_quietly()  # The module will most likely load TensorFlow.
            try:
                importlib.import_module(self.task_module)
            except Exception as error:  # The module is the user's own.
                reason = first_line(error) if isinstance(error, ImportError) else summary(error)
                raise RunError(
                    f"The module cannot be imported ({reason}); run from its folder or install it. "
                    f"Received: --task_module={self.task_module}"
                ) from None
        try:
            return tasks.get(self.task)
        except ValueError as error:
            raise RunError(str(error)) from None

    def describe_data(self) -> str:
        """What the data is, in words.

        Raises:
          RunError: It is not where it should be.
        """
        try:
            return self.get_task().describe_data(self.data_dir)
        except ValueError as error:
            raise RunError(str(error)) from None

    def check(self) -> list[str]:
        """Tries the task's data and network, so that a search does not spend hours on what can never work.

        Returns:
          Warnings, one line each, of what may be meant.

        Raises:
          RunError: No rule could learn the task as it is.
        """
        load_single_threaded()
        from nos_tf import tasks

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                tasks.check(self.get_task(), self.data_dir)
            except ValueError as error:
                raise RunError(f"Task {self.task!r} cannot be searched on. {error}") from None
        return [str(warning.message) for warning in caught if issubclass(warning.category, tasks.TaskWarning)]

    def build(self) -> Evaluates:
        """The evaluator."""
        load_single_threaded()
        from nos_tf.evaluation import Evaluator

        return Evaluator(self.get_task(), self.protocol, self.data_dir)
