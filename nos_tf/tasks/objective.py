"""What a child is trained for and judged by: its loss, its score, and the score at chance level."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol

import numpy as np


class Objective(Protocol):
    """The loss that training minimizes, and a score.

    An epoch's `log_likelihood` is the negative mean of the losses, and its `accuracy` is the mean of the scores, or 0
    if that is negative. Losses should make `exp(-loss)` a fair reward between 0 and 1.

    Attributes:
      dtype: Data type of the targets, "int32" or "float32".
    """

    dtype: str

    def losses(self, targets: Any, outputs: Any) -> Any:
        """Losses of a batch, as float32 with the targets' shape.

        Args:
          targets: Labels of the batch, `[batch, ...]`.
          outputs: The network's output for the batch.
        """

    def scores(self, targets: Any, outputs: Any) -> Any:
        """Scores of a batch, with the same shape; 1 is perfect."""

    def chance(self, targets: np.ndarray, deviations: float) -> float:
        """The mean score that is `deviations` standard errors above that of a child that learned nothing."""


@dataclasses.dataclass(frozen=True)
class CrossEntropy:
    """Classification: class indices as targets, logits `[batch, ..., classes]` as outputs, accuracy as score."""

    dtype = "int32"

    def losses(self, targets: Any, outputs: Any) -> Any:
        """Negative log-probabilities of the correct class, in nats."""
        import tensorflow as tf

        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs)

    def scores(self, targets: Any, outputs: Any) -> Any:
        """1 where the most probable class is the correct one, else 0."""
        import tensorflow as tf

        return tf.cast(tf.argmax(outputs, axis=-1, output_type=targets.dtype) == targets, tf.float32)

    def chance(self, targets: np.ndarray, deviations: float) -> float:
        """Accuracy of always predicting the most frequent class, plus `deviations` of its standard errors."""
        rate = np.bincount(targets.ravel()).max() / targets.size
        return float(rate + deviations * math.sqrt(rate * (1.0 - rate) / targets.size))


@dataclasses.dataclass(frozen=True)
class SquaredError:
    """Regression: outputs have the targets' shape.

    Targets should have mean 0 in every column and variance 1 over all entries of the training split. The loss of always
    predicting the mean is then 1, and the score is the explained variance.
    """

    dtype = "float32"

    def losses(self, targets: Any, outputs: Any) -> Any:
        """Squared errors."""
        import tensorflow as tf

        return tf.math.squared_difference(outputs, targets)

    def scores(self, targets: Any, outputs: Any) -> Any:
        """1 minus the squared errors; negative where predicting the mean is better."""
        return 1.0 - self.losses(targets, outputs)

    def chance(self, targets: np.ndarray, deviations: float) -> float:
        """The explained variance that is `deviations` of its standard errors above zero.

        If a prediction explains a share r of n independent targets, the standard error of r is about 2 sqrt(r / n).
        """
        return float((2.0 * deviations) ** 2 / len(targets))


CROSS_ENTROPY = CrossEntropy()
SQUARED_ERROR = SquaredError()
