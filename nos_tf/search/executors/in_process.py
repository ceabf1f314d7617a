"""Runs jobs one after another in the search's own process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from nos_tf.common.errors import RunError, summary
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors.job import Evaluates, Job, Jobs, as_queue, failure, perform


class InProcess:
    """An executor without processes.

    Args:
      build: Builds the evaluator; called once, before the first job.
    """

    def __init__(self, build: Callable[[], Evaluates]):
        self._build = build
        self._evaluator: Evaluates | None = None

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._evaluator = None

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        """Yields each job with its result, in order; an exception in a job becomes a failed result.

        Raises:
          RunError: The evaluator cannot be built.
        """
        waiting = as_queue(jobs)
        while waiting:
            job = waiting.popleft()
            if self._evaluator is None:
                try:
                    self._evaluator = self._build()
                except Exception as error:
                    raise RunError(f"The evaluator cannot be built: {summary(error)}") from error
            started = time.monotonic()
            try:
                evaluation = perform(self._evaluator, job)
            except Exception as error:
                evaluation = failure(summary(error), time.monotonic() - started)
            yield job, evaluation
