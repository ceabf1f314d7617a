"""Computes the scales of the suite's search tasks: python -m tools.suite_scales

Prints two numbers for each task, in the format of `nos_tf/tasks/suite.py`: the reward of a child network that only
knows how frequent each class is, or the mean, and the mean reward of the best baseline over ten seeds by the search's
protocol.
"""

from __future__ import annotations

import numpy as np

import nos_tf
from nos_tf import tasks
from nos_tf.common.tensorflow_loading import load_single_threaded
from nos_tf.search.trial import BASELINES
from nos_tf.tasks import suite
from nos_tf.tasks.task import Task

_SEEDS = 10


def best(task: Task, seeds: int = _SEEDS) -> float:
    """Returns the mean reward of the best baseline."""
    from nos_tf.evaluation import Evaluator

    evaluator = Evaluator(task)
    means = {
        name: float(np.mean([evaluator.evaluate(nos_tf.parse(text), seed).reward for seed in range(seeds)]))
        for name, text in BASELINES.items()
    }
    return max(means.values())


def main() -> None:
    """Prints the table."""
    load_single_threaded()
    for name in suite.SEARCH:
        task = tasks.get(name)
        print(f'    "{name}": Scale({suite.nothing(task, task.load(None).train):.3f}, {best(task):.3f}),', flush=True)


if __name__ == "__main__":
    main()
