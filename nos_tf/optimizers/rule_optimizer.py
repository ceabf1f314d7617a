"""The base class of this package's optimizers: `w <- w - learning_rate * update(g, w, slots)`."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from nos_tf.optimizers.keras_compat import CompatibleOptimizer, register_serializable
from nos_tf.optimizers.validation import check_learning_rate


@register_serializable
class RuleOptimizer(CompatibleOptimizer, abc.ABC):
    """An optimizer whose step is `w <- w - learning_rate * update(g, w, slots)`.

    A subclass names its slots and computes updates from tensors; variables, distribution, gradient clipping, weight
    decay and saving are Keras'. Sparse gradients are summed into dense ones first, because an update rule also moves
    the weights whose gradient is zero.

    Args:
      learning_rate: A number, also of NumPy or TensorFlow, or a `LearningRateSchedule`.
      **kwargs: The keyword arguments of every Keras optimizer: `weight_decay`, `clipnorm`, `clipvalue`,
        `global_clipnorm`, `use_ema`, `ema_momentum`, `ema_overwrite_frequency`, `name`, and with Keras 3 also
        `loss_scale_factor` and `gradient_accumulation_steps`.
    """

    def __init__(self, learning_rate: Any = 0.1, **kwargs: Any):
        super().__init__(check_learning_rate(learning_rate), **kwargs)

    @property
    @abc.abstractmethod
    def slot_names(self) -> tuple[str, ...]:
        """Names of the slots that every variable gets, each shaped and typed like it and zero at first."""

    @abc.abstractmethod
    def update(
        self, gradient: tf.Tensor, weights: tf.Tensor, slots: Mapping[str, tf.Tensor], step: tf.Tensor, index: int
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """One step's update, not yet multiplied by the learning rate, and the new values of the slots.

        Args:
          gradient: Dense gradient, shaped and typed like the weights.
          weights: Value of one variable.
          slots: Values of its slots by name, shaped and typed like the weights.
          step: Updates made before this one, an integer scalar.
          index: Position of the variable among the variables that the optimizer trains.
        """

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the slots of the given variables, filled with zeros."""
        if hasattr(self, "_slots"):
            return
        super().build(variables)
        self._built = True  # Keras 2 leaves this to its subclasses.
        self._slots = {name: [self._new_slot(variable, name) for variable in variables] for name in self.slot_names}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any = None) -> None:
        """Changes one variable and its slots.

        Args:
          gradient: Gradient of the variable.
          variable: The variable to train.
          learning_rate: This step's rate; by default the optimizer's. Or the pair of it and of the updates made so far.
        """
        if not isinstance(learning_rate, tuple):
            learning_rate = self.learning_rate if learning_rate is None else learning_rate, self.iterations
        rate, step = learning_rate
        index = self._index(variable)
        slots = {name: variables[index] for name, variables in self._slots.items()}
        weights = tf.convert_to_tensor(variable)
        gradient = tf.cast(tf.convert_to_tensor(gradient), weights.dtype)
        values = {name: tf.convert_to_tensor(slot) for name, slot in slots.items()}
        update, new_values = self.update(gradient, weights, values, tf.convert_to_tensor(step), index)
        for name, slot in slots.items():
            slot.assign(tf.cast(new_values[name], weights.dtype))
        variable.assign(weights - tf.cast(tf.cast(rate, update.dtype) * update, weights.dtype))
