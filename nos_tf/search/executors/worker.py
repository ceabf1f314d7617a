"""A worker process: reads jobs as JSON lines, writes results as JSON lines.

The first line describes the evaluator; the worker answers `{"ready": true}` once it is built. The worker exits when its
input ends, so it never outlives the search.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from nos_tf.common.errors import summary
from nos_tf.search.executors.job import Evaluates, Job, failure, perform
from nos_tf.search.executors.setup import EvaluatorSetup


def serve(build: Callable[[dict[str, Any]], Evaluates]) -> None:
    """Runs jobs until the input ends.

    Args:
      build: Builds the evaluator from the description in the first line.
    """
    # Output printed by the task's code must not mix with the results.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # So that a killed worker loses no output.
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()

    def answer(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        evaluator = build(json.loads(lines.get()))
    except Exception as error:
        answer({"error": summary(error)})
        raise
    answer({"ready": True})
    while True:
        job = Job.from_json(json.loads(lines.get()))
        started = time.monotonic()
        try:
            evaluation = perform(evaluator, job)
        except Exception as error:
            evaluation = failure(summary(error), time.monotonic() - started)
        answer({"id": job.id, "evaluation": evaluation.to_json()})


def _read(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)  # The search is gone; do not finish the current training.


if __name__ == "__main__":
    serve(lambda description: EvaluatorSetup.from_json(description).build())
