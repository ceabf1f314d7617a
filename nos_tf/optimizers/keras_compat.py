"""What differs between Keras 3 (TensorFlow 2.16 and newer) and Keras 2.15; no other file knows which one runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
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


class CompatibleOptimizer(tf.keras.optimizers.Optimizer):
    """A Keras optimizer whose constructor, slots and gradients are alike under both versions.

    Sparse gradients are summed into dense ones first.

    Args:
      learning_rate: A number or a `LearningRateSchedule`.
      **kwargs: The keyword arguments of every Keras optimizer.
    """

    def __init__(self, learning_rate: Any, **kwargs: Any):
        kwargs.setdefault("name", type(self).__name__)
        kwargs.setdefault("weight_decay", None)  # Keras 2's own default of 0 decays all the same: inf * 0 is NaN.
        if IS_KERAS_3:
            super().__init__(learning_rate=learning_rate, **kwargs)
        else:
            super().__init__(**kwargs)
            self._learning_rate = self._build_learning_rate(learning_rate)

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
