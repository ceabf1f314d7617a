"""What differs between Keras 3 (TensorFlow 2.16 and newer) and Keras 2.15; no other file knows which one runs."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

IS_KERAS_3 = getattr(tf.keras, "__version__", "2.15").startswith("3.")  # TensorFlow 2.15 does not say.

FIT_TAKES_SEVERAL_MACHINES = not IS_KERAS_3  # Keras 3's fails with MultiWorkerMirroredStrategy.

if IS_KERAS_3 and tf.keras.backend.backend() != "tensorflow":
    raise ImportError(
        "nos_tf needs Keras' TensorFlow backend; unset KERAS_BACKEND or set it to 'tensorflow'. "
        f"Received: {tf.keras.backend.backend()!r}"
    )

register_serializable = tf.keras.utils.register_keras_serializable(package="nos_tf")


@register_serializable
class RuleOptimizer(tf.keras.optimizers.Optimizer, abc.ABC):
    """An optimizer whose step is `w <- w - learning_rate * update(g, w, slots)`.

    A subclass names its slots and computes updates from tensors; variables, distribution, gradient clipping, weight
    decay and saving are Keras'. Sparse gradients are summed into dense ones first, because an update rule also moves
    the weights whose gradient is zero.

    Args:
      learning_rate: A number or a `LearningRateSchedule`.
      **kwargs: The keyword arguments of every Keras optimizer: `weight_decay`, `clipnorm`, `clipvalue`,
        `global_clipnorm`, `use_ema`, `ema_momentum`, `ema_overwrite_frequency`, `name`, and with Keras 3 also
        `loss_scale_factor` and `gradient_accumulation_steps`.
    """

    def __init__(self, learning_rate: Any = 0.1, **kwargs: Any):
        kwargs.setdefault("name", type(self).__name__)
        kwargs.setdefault("weight_decay", None)  # Keras 2's own default of 0 decays all the same: inf * 0 is NaN.
        if IS_KERAS_3:
            super().__init__(learning_rate=learning_rate, **kwargs)
        else:
            super().__init__(**kwargs)
            self._learning_rate = self._build_learning_rate(learning_rate)

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
          variable: What is trained.
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

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not IS_KERAS_3:
            config["learning_rate"] = self._serialize_hyperparameter(self._learning_rate)
        return config

    if IS_KERAS_3:

        def apply(self, grads: Iterable[Any], trainable_variables: Any = None) -> None:
            """Applies gradients to the trainable variables, as every Keras optimizer does."""
            super().apply([_dense(gradient) for gradient in grads], trainable_variables)

        def _new_slot(self, variable: Any, name: str) -> Any:
            if self._overwrite_variable_with_gradient(variable):
                return None
            return self.add_variable_from_reference(variable, name=name)

        def _index(self, variable: Any) -> int:
            return self._get_variable_index(variable)

        def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
            # Read once a step: over many small tensors, a read for each costs more than the update itself.
            scalars = tf.convert_to_tensor(learning_rate), tf.convert_to_tensor(self.iterations)
            super()._backend_update_step(grads, trainable_variables, scalars)

    else:

        def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], *args: Any, **kwargs: Any) -> Any:
            """Applies gradients to variables, as every Keras optimizer does."""
            pairs = [(_dense(gradient), variable) for gradient, variable in grads_and_vars]
            return super().apply_gradients(pairs, *args, **kwargs)

        def _new_slot(self, variable: Any, name: str) -> Any:
            return self.add_variable_from_reference(model_variable=variable, variable_name=name)

        def _index(self, variable: Any) -> int:
            return self._index_dict[self._var_key(variable)]


def _dense(gradient: Any) -> Any:
    return tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient


def tf_variables(variables: Iterable[Any]) -> list[tf.Variable]:
    """The TensorFlow variables behind Keras'."""
    return [variable.value if IS_KERAS_3 else variable for variable in variables]


@contextlib.contextmanager
def random_state_in_variables() -> Iterator[None]:
    """Random layers that are made within keep the state of their draws in variables, as Keras 3's always do."""
    if IS_KERAS_3:
        yield
        return
    settings = tf.keras.backend.experimental
    enabled = settings.is_tf_random_generator_enabled()
    settings.enable_tf_random_generator()
    try:
        yield
    finally:
        if not enabled:
            settings.disable_tf_random_generator()


def model_variables(model: tf.keras.Model) -> list[tf.Variable]:
    """All that a model's own steps change: weights, running statistics, and the state of its random layers.

    Args:
      model: Built, and made within `random_state_in_variables`.
    """
    found = tf_variables(model.variables)
    if not IS_KERAS_3:  # It hides the state of random layers.
        drawing = [getattr(layer, "_random_generator", None) for layer in model.submodules]
        generators = [getattr(each, "_generator", None) for each in drawing]
        found += [generator.state for generator in generators if generator is not None]
    return found


def build_optimizer(optimizer: Any, variables: Sequence[Any]) -> None:
    """Makes the slots of the given variables, also where a legacy optimizer of Keras 2 leaves that to its first step.

    Args:
      optimizer: A Keras optimizer; those of tensorflow-addons are legacy ones.
      variables: What it will train.
    """
    if _is_legacy(optimizer):
        optimizer._create_all_weights(variables)
    else:
        optimizer.build(variables)


def optimizer_variables(optimizer: Any) -> list[tf.Variable]:
    """All that an optimizer's steps change but for the weights: slots, the count of steps, the scale of the loss.

    Args:
      optimizer: A Keras optimizer that was built.
    """
    if IS_KERAS_3:
        return tf_variables(optimizer.variables)
    found = list(optimizer.weights if _is_legacy(optimizer) else optimizer.variables)
    if hasattr(optimizer, "inner_optimizer"):  # Keras 2 hides the state of its loss scaling.
        found += [optimizer._loss_scale.current_loss_scale, optimizer._loss_scale.counter]
    return found


def _is_legacy(optimizer: Any) -> bool:
    return not IS_KERAS_3 and isinstance(optimizer, tf.keras.optimizers.legacy.Optimizer)


def weight_averages(optimizer: Any) -> list[tf.Variable]:
    """Running averages of the weights, one a trained variable; none if the optimizer keeps none (`use_ema`).

    Args:
      optimizer: A Keras optimizer that was built.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # That of Keras' loss scaling.
    return tf_variables(inner._model_variables_moving_average) if getattr(inner, "use_ema", False) else []


def keep_weights(optimizer: Any) -> None:
    """Lets the weights be when a `fit` ends, in whose place Keras would put their averages."""
    for one in {id(each): each for each in (optimizer, getattr(optimizer, "inner_optimizer", optimizer))}.values():
        one.finalize_variable_values = lambda var_list: None
