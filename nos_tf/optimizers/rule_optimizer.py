"""The base class of this package's optimizers: `w <- w - learning_rate * update(g, w, slots)`."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nos_tf.dsl.state import Array
from nos_tf.optimizers.keras_compat import (
    CompatibleOptimizer,
    dtype_name,
    is_sparse,
    kernels,
    precise_dtype,
    register_serializable,
    split,
    tf_variables,
    value_of,
    xp,
)
from nos_tf.optimizers.validation import check_learning_rate

# Variables up to this size share one vector with others of their dtype: a network has hundreds of them, and this way
# the rule is traced, and its operations launched, once for all of them.
_SHARED_SIZE = 2**10


@register_serializable
class RuleOptimizer(CompatibleOptimizer, abc.ABC):
    """An optimizer whose step is `w <- w - learning_rate * update(g, w, slots)`.

    A subclass names its slots and computes updates from tensors; Keras handles variables, distribution, gradient
    clipping, weight decay and saving. Sparse gradients are converted to dense ones first, because an update rule also
    moves weights whose gradient is zero.

    Args:
      learning_rate: A number, including NumPy and TensorFlow scalars, or a `LearningRateSchedule`.
      **kwargs: Keyword arguments common to all Keras optimizers: `weight_decay`, `clipnorm`, `clipvalue`,
        `global_clipnorm`, `use_ema`, `ema_momentum`, `ema_overwrite_frequency`, `name`, and with Keras 3 also
        `loss_scale_factor` and `gradient_accumulation_steps`.
    """

    def __init__(self, learning_rate: Any = 0.1, **kwargs: Any):
        super().__init__(check_learning_rate(learning_rate), **kwargs)

    @property
    @abc.abstractmethod
    def slot_names(self) -> tuple[str, ...]:
        """Names of the slots of every variable; each has the variable's shape and dtype and is initially zero."""

    @abc.abstractmethod
    def update(
        self, gradient: Array, weights: Array, slots: Mapping[str, Array], step: Array, sizes: Mapping[int, int]
    ) -> tuple[Array, dict[str, Array]]:
        """One step's update, before multiplication by the learning rate, and the new values of the slots.

        Args:
          gradient: Dense gradient, with the weights' shape and dtype.
          weights: Value of one variable, or of several concatenated into one vector.
          slots: Values of the slots by name, with the weights' shape and dtype.
          step: Number of updates before this one, an integer scalar.
          sizes: Number of weights of each of these variables, by its index among those that the optimizer trains.
        """

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots of the given variables, filled with zeros."""
        if hasattr(self, "_slots"):
            return
        super().build(variables)
        self._built = True  # Keras 2 leaves this to its subclasses.
        self._slots = {name: [self._new_slot(variable, name) for variable in variables] for name in self.slot_names}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any = None) -> None:
        """Updates one variable and its slots.

        Args:
          gradient: Gradient of the variable.
          variable: The variable to train.
          learning_rate: This step's rate, by default the optimizer's; or the rate and the number of updates so far.
        """
        if not isinstance(learning_rate, tuple):
            learning_rate = self.learning_rate if learning_rate is None else learning_rate, self.iterations
        self.update_variables([gradient], [variable], *map(value_of, learning_rate))

    def update_variables(self, gradients: Sequence[Any], variables: Sequence[Any], rate: Array, step: Array) -> None:
        """Updates variables and their slots.

        Args:
          gradients: Gradient of each variable.
          variables: The variables to train.
          rate: This step's learning rate, a scalar.
          step: Number of updates before this one, an integer scalar.
        """
        groups: dict[Any, list[int]] = {}
        for position, variable in enumerate(variables):
            dtype = dtype_name(variable)
            if is_sparse(gradients[position]) and dtype == precise_dtype(dtype):
                kernels.descend(*tf_variables([variable]), gradients[position], rate)
                continue
            small = math.prod(variable.shape) <= _SHARED_SIZE
            groups.setdefault(dtype if small else position, []).append(position)
        for group in groups.values():
            self._update_group([gradients[i] for i in group], [variables[i] for i in group], rate, step)

    def _update_group(self, gradients: Sequence[Any], variables: Sequence[Any], rate: Array, step: Array) -> None:
        indices = [self._index(variable) for variable in variables]
        slots = {name: [every[index] for index in indices] for name, every in self._slots.items()}
        shapes = [tuple(variable.shape) for variable in variables]
        weights = _joined([value_of(variable) for variable in variables])
        gradient = xp.reshape(_joined([value_of(each) for each in gradients]), weights.shape)  # Of unknown shape.
        update, new_values = self.update(
            xp.cast(gradient, weights.dtype),
            weights,
            {name: _joined([value_of(slot) for slot in each]) for name, each in slots.items()},
            step,
            {index: math.prod(shape) for index, shape in zip(indices, shapes, strict=True)},
        )
        new_weights = xp.cast(xp.cast(weights, update.dtype) - xp.cast(rate, update.dtype) * update, weights.dtype)
        for name, each in slots.items():
            for slot, value in zip(each, _parted(xp.cast(new_values[name], weights.dtype), shapes), strict=True):
                self._set(slot, value)
        for variable, value in zip(variables, _parted(new_weights, shapes), strict=True):
            self._set(variable, value)


def _joined(arrays: Sequence[Array]) -> Array:
    """Joins several arrays into one vector; returns a single array as it is."""
    return arrays[0] if len(arrays) == 1 else xp.concatenate([xp.reshape(array, [-1]) for array in arrays])


def _parted(array: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Splits joined arrays into arrays of the given shapes."""
    if len(shapes) == 1:
        return [array]
    parts = split(array, [math.prod(shape) for shape in shapes])
    return [xp.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
