"""How the evaluator of a run is built, as plain data that can be sent to another process."""

from __future__ import annotations

import dataclasses
import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nos_tf.errors import RunError, first_line, summary, unknown
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search.executors.job import Evaluates
from nos_tf.tasks import suite
from nos_tf.tensorflow_loading import load_quietly, load_single_threaded

if TYPE_CHECKING:
    from nos_tf.tasks import Task


@dataclasses.dataclass(frozen=True)
class EvaluatorSetup:
    """What an evaluator is made of.

    Attributes:
      task: Name of the task, or of a suite.
      protocol: How a rule is rewarded.
      task_module: Module to import first, which registers the task.
      data_dir: Folder of the prepared datasets.
      finalists: File of the finalists that are to be judged. A task that is held out from searches cannot be set up
        before they are frozen there.

    Raises:
      RunError: The task is held out, or a suite is to be run by another protocol than the one that it is scaled for.
    """

    task: str
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    task_module: str | None = None
    data_dir: str | None = None
    finalists: str | None = None

    def __post_init__(self) -> None:
        if self.task in suite.HELD_OUT and not (self.finalists and Path(self.finalists).is_file()):
            raise RunError(
                "This task is held out from every search, to judge what was found; search on other tasks, such as "
                f"{suite.NAME}. Received: {self.task}"
            )
        if self.is_suite and self.protocol != Protocol():
            changed = [f"{n}={v!r}" for n, v in vars(self.protocol).items() if v != getattr(Protocol(), n)]
            raise RunError(
                "The scores of a suite are relative to baselines under the default protocol; leave it as it is. "
                f"Received: {', '.join(changed)}"
            )

    @property
    def is_suite(self) -> bool:
        """Whether a reward is a score over several tasks."""
        return self.task in suite.SUITES

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
                    f"Received: task_module={self.task_module}"
                ) from None
        if self.task not in tasks.names():
            known = [name for name in (*tasks.names(), *suite.SUITES) if name not in suite.HELD_OUT]
            raise RunError(unknown("task", self.task, known))
        return tasks.get(self.task)

    def get_tasks(self) -> list[Task]:
        """The task, or those of the suite; as `get_task`."""
        from nos_tf import tasks

        return [tasks.get(name) for name in suite.SUITES[self.task]] if self.is_suite else [self.get_task()]

    def describe_data(self) -> str:
        """What the data is, in words.

        Raises:
          RunError: It is not where it should be.
        """
        try:
            return "; ".join(dict.fromkeys(task.describe_data(self.data_dir) for task in self.get_tasks()))
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
            for task in self.get_tasks():
                self._check(task)
        return [str(warning.message) for warning in caught if issubclass(warning.category, tasks.TaskWarning)]

    def _check(self, task: Task) -> None:
        from nos_tf import tasks

        try:
            tasks.check(task, self.data_dir)
        except ValueError as error:
            raise RunError(f"Task {task.name!r} cannot be searched on. {error}") from None

    def build(self) -> Evaluates:
        """The evaluator."""
        load_single_threaded()
        from nos_tf.evaluation import Evaluator

        if self.is_suite:
            from nos_tf.evaluation.suite_evaluator import SuiteEvaluator

            return SuiteEvaluator(suite.SUITES[self.task], self.data_dir)
        return Evaluator(self.get_task(), self.protocol, self.data_dir)
