"""Description of a run's evaluator as plain data that can be sent to other processes."""

from __future__ import annotations

import dataclasses
import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nos_tf.common.errors import RunError, first_line, summary, unknown
from nos_tf.common.tensorflow_loading import load_quietly, load_single_threaded
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search.executors.job import Evaluates
from nos_tf.tasks import suite

if TYPE_CHECKING:
    from nos_tf.tasks import Task


@dataclasses.dataclass(frozen=True)
class EvaluatorSetup:
    """Everything needed to build an evaluator.

    Attributes:
      task: Name of the task or suite.
      protocol: How a rule is rewarded.
      task_module: Module to import first to register the task.
      data_dir: Folder of the prepared datasets.
      finalists: File of the frozen finalists. Tasks held out from searches can only be used once it exists.

    Raises:
      RunError: The task is held out, or a suite is combined with a protocol other than the default.
    """

    task: str
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    task_module: str | None = None
    data_dir: str | None = None
    finalists: str | None = None

    def __post_init__(self) -> None:
        if self.task in suite.HELD_OUT and not (self.finalists and Path(self.finalists).is_file()):
            raise RunError(
                f"This task is held out from every search, to judge the results; search on another one, such as "
                f"{suite.NAME}. Received: {self.task}"
            )
        if self.is_suite and self.protocol != Protocol():
            changed = [f"{n}={v!r}" for n, v in vars(self.protocol).items() if v != getattr(Protocol(), n)]
            raise RunError(
                "Scores of a suite are relative to baselines under the default protocol; do not change it. "
                f"Received: {', '.join(changed)}"
            )

    @property
    def is_suite(self) -> bool:
        """Whether a reward is a score over several tasks."""
        return self.task in suite.SUITES

    def to_json(self) -> dict[str, Any]:
        """Returns plain data for `from_json` that does not depend on the working directory."""
        folder = None if self.data_dir is None else str(Path(self.data_dir).expanduser().absolute())
        return dataclasses.asdict(dataclasses.replace(self, data_dir=folder))

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> EvaluatorSetup:
        """The inverse of `to_json`; turns lists back into tuples."""
        protocol = description["protocol"]
        rates = tuple(protocol["learning_rates"])
        return cls(**{**description, "protocol": Protocol(**{**protocol, "learning_rates": rates})})

    def get_task(self) -> Task:
        """Returns the task without reading its data.

        Raises:
          RunError: There is no such module or task.
        """
        from nos_tf import tasks

        if self.task_module is not None:
            load_quietly()  # The module will probably load TensorFlow.
            try:
                importlib.import_module(self.task_module)
            except Exception as error:  # The module is the user's.
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
        """Returns the task, or the tasks of the suite; see `get_task`."""
        from nos_tf import tasks

        return [tasks.get(name) for name in suite.SUITES[self.task]] if self.is_suite else [self.get_task()]

    def describe_data(self) -> str:
        """Description of the data.

        Raises:
          RunError: The data cannot be found.
        """
        try:
            return "; ".join(dict.fromkeys(task.describe_data(self.data_dir) for task in self.get_tasks()))
        except ValueError as error:
            raise RunError(str(error)) from None

    def check_task(self) -> list[str]:
        """Checks the task's data and network before a search spends hours on them.

        Returns:
          One-line warnings about things that look wrong but may be intended.

        Raises:
          RunError: No rule could learn the task.
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
            raise RunError(f"Task {task.name!r} cannot be used for a search. {error}") from None

    def build(self) -> Evaluates:
        """Builds the evaluator."""
        load_single_threaded()
        from nos_tf.evaluation import Evaluator

        if self.is_suite:
            from nos_tf.evaluation.suite_evaluator import SuiteEvaluator

            return SuiteEvaluator(suite.SUITES[self.task], self.data_dir)
        return Evaluator(self.get_task(), self.protocol, self.data_dir)
