"""What is trained, apart from how: model, loss, data and length."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A training that is repeated for optimizers, learning rates and seeds.

    Attributes:
      name: Name of the script, as in `config.json`.
      dataset: What the data are, in words that are shown beside every result.
      scale: Facts that decide whether a result can be compared with the paper's, as JSON can hold them.
      build_model: Makes a freshly initialised model; given a seed for what it draws later on, such as dropout.
      loss: Makes the loss.
      metrics: Makes the metrics, which are measured on the training batches and on each evaluation.
      batches: Endless stream of training batches from a step on; given the seed and the number of that step.
      host_batches: The share of one of several hosts in these batches, in batches for one replica; by default every
        host makes all of them and takes its share.
      evaluations: Finite data by name, such as "val" and "test", measured after every epoch.
      loss_terms: How many terms the loss of an example sums, in the mean, by evaluation and for "train": losses are
        kept and shown as the mean of one term. By default, the loss is one term.
      objective: Evaluation and metric that choose the learning rate and the best epoch, such as "val_accuracy".
      maximize: Whether a higher objective is a better one.
      steps_per_epoch: Steps from one measurement to the next.
      epochs: Length of the training.
      examples_per_step: Examples of a global batch, for the rate that is shown.
      unit: What is counted by that, in the plural.
      measure: Measurements of a trained model that take too long for every epoch: by evaluation, and then by name.
      samples: Text that shows what the model does, in Markdown; written to TensorBoard after every epoch.
      files: What using the trained models takes beside their weights; kept in the run folder by these names.
    """

    name: str
    dataset: str
    scale: Mapping[str, Any]
    build_model: Callable[[int], tf.keras.Model]
    loss: Callable[[], tf.keras.losses.Loss]
    metrics: Callable[[], Sequence[tf.keras.metrics.Metric]]
    batches: Callable[[int, int], tf.data.Dataset]
    evaluations: Mapping[str, tf.data.Dataset]
    objective: str
    steps_per_epoch: int
    epochs: int
    examples_per_step: int
    maximize: bool = True
    unit: str = "examples"
    measure: Callable[[tf.keras.Model], Mapping[str, Mapping[str, float]]] | None = None
    samples: Callable[[tf.keras.Model], str] | None = None
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    host_batches: Callable[[int, int, tf.distribute.InputContext], tf.data.Dataset] | None = None
    loss_terms: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of a training."""
        return self.steps_per_epoch * self.epochs

    def per_term(self, values: Mapping[str, float], split: str = "train") -> dict[str, float]:
        """Measurements by name, with the loss as the mean of one of its terms."""
        terms = self.loss_terms.get(split, 1.0)
        return {name: float(value) / (terms if name == "loss" else 1.0) for name, value in values.items()}

    def best(self, values: Sequence[float]) -> int:
        """Position of the best value of the objective, the first one among equals."""
        return (max if self.maximize else min)(range(len(values)), key=values.__getitem__)
