"""The suite: ten embedded tasks of different kinds, five to search on and five that no search may read.

A rule's score on a task is its reward on a scale from 0, for a child that has learned nothing, to 1, for the best tuned
baseline. Over several tasks, it is the mean of all scores but the best: what a rule gains on a single task, however
easy that task is for it, counts for nothing, and a failure on any task but the best costs its full share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nos_tf.tasks.objective import SQUARED_ERROR
from nos_tf.tasks.task import Split, Task

# The wall: no data set is on both sides.
SEARCH = ("digits", "breast_cancer_mlp", "digits_autoencoder", "digits_recurrent", "digits_mlp")
HELD_OUT = ("diabetes_mlp", "wine_softmax", "photo_denoising", "topics_gru", "topics_attention")

# What a search can run on besides single tasks; the smaller suites show what more tasks are good for.
NAME = "suite"
SUITES: dict[str, tuple[str, ...]] = {NAME: SEARCH, "suite_of_2": SEARCH[:2], "suite_of_4": SEARCH[:4]}


class Scale(NamedTuple):
    """The scale of the scores on a task.

    Attributes:
      nothing: Reward of a child that only knows how frequent each class is, or the mean of the targets: score 0.
      best: Mean reward of the best tuned baseline: score 1.
    """

    nothing: float
    best: float

    def score(self, reward: float) -> float:
        """A reward on this scale: 0 if it is below the scale, and above 1 if it beats every baseline."""
        return max(0.0, (reward - self.nothing) / (self.best - self.nothing))


# Under the search's own protocol, over ten seeds; `python -m tools.suite_scales` measures them.
SCALES = {
    "digits": Scale(0.100, 0.863),
    "breast_cancer_mlp": Scale(0.517, 0.950),
    "digits_autoencoder": Scale(0.368, 0.708),
    "digits_recurrent": Scale(0.100, 0.664),
    "digits_mlp": Scale(0.100, 0.726),
}


def nothing(task: Task, train: Split) -> float:
    """Reward of a child that only knows how frequent each class of the training split is, or the targets' mean."""
    if task.objective is SQUARED_ERROR:
        return math.exp(-1.0)
    shares = np.bincount(np.ravel(train.labels)) / np.size(train.labels)
    return math.exp(sum(share * math.log(share) for share in shares if share > 0.0))


def scores(rewards: Mapping[str, float], names: Iterable[str]) -> list[float]:
    """Scores on tasks from `SEARCH`, in the order of `names`; 0 for a task without a reward."""
    return [SCALES[name].score(rewards[name]) if name in rewards else 0.0 for name in names]


def mean(scores: Sequence[float]) -> float:
    """Score over several tasks: the mean of all scores but the best; a single score is its own mean."""
    ordered = sorted(scores)
    return float(np.mean(ordered[:-1] or ordered))
