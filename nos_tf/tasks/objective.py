"""What a child is trained for and judged by: its loss, its score, and what chance would reach."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol

import numpy as np


class Objective(Protocol):
    """The loss that training lowers, and the score beside it.

    An epoch's `log_likelihood` is the negative mean of the losses, and its `accuracy` the mean of the scores, 0 where
    that is negative. Losses should be such that `exp(-loss)` is a fair reward between 0 and 1.

    Attributes:
      dtype: Data type that the targets are given in, "int32" or "float32".
    """

    dtype: str

    def losses(self, targets: Any, outputs: Any) -> Any:
        """Losses of a batch, float32 of the targets' shape.

        Args:
          targets: Labels of the batch, `[batch, ...]`.
          outputs: The network's output for it.
        """

    def scores(self, targets: Any, outputs: Any) -> Any:
        """Scores of a batch, of the same shape, 1 for what could not be better."""

    def chance(self, targets: np.ndarray, deviations: float) -> float:
        """The mean score from which a child is above one that learned nothing by so many standard errors."""


@dataclasses.dataclass(frozen=True)
class CrossEntropy:
    """Classification: class indices as targets, logits `[batch, ..., classes]` as outputs, accuracy as score."""

    dtype = "int32"

    def losses(self, targets: Any, outputs: Any) -> Any:
        """Negative log-probabilities of the right class, in nats."""
        import tensorflow as tf

        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs)

    def scores(self, targets: Any, outputs: Any) -> Any:
        """1 where the most probable class is the right one, else 0."""
        import tensorflow as tf

        return tf.cast(tf.argmax(outputs, axis=-1, output_type=targets.dtype) == targets, tf.float32)

    def chance(self, targets: np.ndarray, deviations: float) -> float:
        """Accuracy of always naming the most frequent class, plus so many of its standard errors."""
        rate = np.bincount(targets.ravel()).max() / targets.size
        return float(rate + deviations * math.sqrt(rate * (1.0 - rate) / targets.size))


@dataclasses.dataclass(frozen=True)
class SquaredError:
    """Regression: outputs of the targets' shape.

    Targets are to have mean 0 in every column and variance 1 over all entries of the training split. The loss
    is then 1 for always naming the mean, and the score is the explained variance.
    """

    dtype = "float32"

    def losses(self, targets: Any, outputs: Any) -> Any:
        """Squared errors."""
        import tensorflow as tf

        return tf.math.squared_difference(outputs, targets)

    def scores(self, targets: Any, outputs: Any) -> Any:
        """What is left of a variance of 1; negative where naming the mean is better."""
        return 1.0 - self.losses(targets, outputs)

    def chance(self, targets: np.ndarray, deviations: float) -> float:
        """The explained variance that is so many of its standard errors above zero.

        A prediction that explains a share r of n independent targets does so with a standard error of about
        2 sqrt(r / n).
        """
        return float((2.0 * deviations) ** 2 / len(targets))


CROSS_ENTROPY = CrossEntropy()
SQUARED_ERROR = SquaredError()
