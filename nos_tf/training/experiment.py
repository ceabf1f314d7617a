"""Definition of a training: model, loss, data and length."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A training to repeat with different optimizers, learning rates and seeds.

    Attributes:
      name: Name of the script, as in `config.json`.
      dataset: Description of the data, shown next to every result.
      scale: Facts that decide whether a result is comparable with the paper's; JSON-serializable.
      build_model: Builds a freshly initialized model, given a seed for later random draws such as dropout.
      loss: Makes the loss.
      metrics: Makes the metrics, computed on the training batches and in each evaluation.
      batches: Makes an endless stream of training batches, given the seed and the step to start at.
      host_batches: Makes the share of one of several hosts, as per-replica batches; by default every host makes all
        batches and takes its share.
      evaluations: Finite datasets by name, such as "val" and "test"; the model is evaluated on them after every epoch.
      loss_terms: Average number of terms that the loss of one example sums, by evaluation and for "train"; losses are
        stored and shown per term. By default 1.
      objective: Metric that selects the learning rate and the best epoch, such as "val_accuracy".
      maximize: Whether a higher objective is better.
      steps_per_epoch: Steps between evaluations.
      epochs: Number of epochs.
      examples_per_step: Units processed per step, for the displayed rate.
      unit: Plural name of that unit.
      measure: Computes metrics of the trained model that are too slow for every epoch, by evaluation and name.
      samples: Makes a Markdown text with samples of the model's output, written to TensorBoard after every epoch.
      files: Contents, by name, of files that are needed to use the trained models; kept in the run folder.
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
        """Number of optimizer steps in a training."""
        return self.steps_per_epoch * self.epochs

    def per_term(self, values: Mapping[str, float], split: str = "train") -> dict[str, float]:
        """Returns the measurements with the loss divided by its number of terms."""
        terms = self.loss_terms.get(split, 1.0)
        return {name: float(value) / (terms if name == "loss" else 1.0) for name, value in values.items()}

    def best(self, values: Sequence[float]) -> int:
        """Index of the best objective value; the first one if there are ties."""
        return (max if self.maximize else min)(range(len(values)), key=values.__getitem__)
