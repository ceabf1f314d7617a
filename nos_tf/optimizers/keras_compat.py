"""The differences between Keras 3 with its backends and Keras 2.15; no other module depends on which one is in use.

Keras 3 runs on TensorFlow, JAX or PyTorch, as set by `KERAS_BACKEND`, and only that backend needs to be installed.
Keras 2.15 comes with TensorFlow 2.15.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nos_tf.common.versions import BACKENDS, backend_of


def _running_keras() -> tuple[Any, str]:
    keras = importlib.import_module("keras")
    backend = backend_of(keras)
    if backend not in BACKENDS:
        raise ImportError(f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: KERAS_BACKEND={backend}")
    # With TF_USE_LEGACY_KERAS set, TensorFlow's Keras is a different package.
    return (importlib.import_module("tensorflow").keras if backend == "tensorflow" else keras), backend


keras, BACKEND = _running_keras()
if BACKEND == "tensorflow":
    import tensorflow as tf

IS_KERAS_3 = getattr(keras, "__version__", "2.15").startswith("3.")  # TensorFlow 2.15's Keras has no version.

FIT_TAKES_SEVERAL_MACHINES = not IS_KERAS_3  # Keras 3's `fit` fails with MultiWorkerMirroredStrategy.

register_serializable = keras.utils.register_keras_serializable(package="nos_tf")


class _TensorFlow:
    """The functions of `keras.ops` that this package uses, for Keras 2: TensorFlow's functions under NumPy's names."""

    concatenate = staticmethod(lambda tensors: tf.concat(tensors, axis=0))
    right_shift = staticmethod(lambda x, y: tf.bitwise.right_shift(x, tf.cast(y, x.dtype)))

    def __getattr__(self, name: str) -> Any:
        function = getattr(tf, name, None) or getattr(tf.math, name, None)
        if function is None:
            raise AttributeError(f"Neither tf nor tf.math has a function with this name. Received: {name!r}")
        return function


_NATIVE = {"torch": "torch", "jax": "jax.numpy"}  # Modules of these backends whose functions keep float64.


class _Ops:
    """`keras.ops`, except for functions that turn the float64 of JAX and PyTorch into float32."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(_NATIVE[BACKEND]) if name in ("cos", "sqrt") else keras.ops, name)

    def minimum(self, x: Any, y: Any) -> Any:
        """Element-wise minimum; NaN where either value is NaN."""
        return importlib.import_module(_NATIVE[BACKEND]).minimum(x, self._like(y, x))

    def maximum(self, x: Any, y: Any) -> Any:
        """Element-wise maximum; NaN where either value is NaN."""
        return importlib.import_module(_NATIVE[BACKEND]).maximum(x, self._like(y, x))

    def sign(self, x: Any) -> Any:
        """Sign; NaN where the value is NaN, which PyTorch would turn into 0."""
        signs = keras.ops.sign(x)
        return keras.ops.where(keras.ops.isnan(x), x, signs) if BACKEND == "torch" else signs

    def _like(self, y: Any, x: Any) -> Any:
        return keras.ops.convert_to_tensor(y, dtype=x.dtype)


def _functions() -> Any:
    if not IS_KERAS_3:
        return _TensorFlow()
    return _Ops() if BACKEND in _NATIVE else keras.ops


xp: Any = _functions()  # Array functions under NumPy's names.


# Integer dtype for 32-bit words: PyTorch has no uint32 arithmetic, and TensorFlow only some of it.
WORD = "uint32" if BACKEND == "jax" else "int64"

# TensorFlow's own kernels, or None.
kernels: Any = importlib.import_module("nos_tf.optimizers.tensorflow_kernels") if BACKEND == "tensorflow" else None


def dtype_name(array: Any) -> str:
    """Name of an array's or a variable's dtype, such as `float32`."""
    dtype = array.dtype
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]  # PyTorch's: torch.float32.


def precise_dtype(dtype: str) -> str:
    """The dtype itself, or float32 if it has fewer than 32 bits."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _without_gradients() -> contextlib.AbstractContextManager[Any]:
    """Keeps PyTorch from recording everything that is computed from weights."""
    return importlib.import_module("torch").no_grad() if BACKEND == "torch" else contextlib.nullcontext()


def value_of(variable: Any) -> Any:
    """The current value of a variable as an array; arrays and numbers become arrays of the backend."""
    return tf.convert_to_tensor(variable) if BACKEND == "tensorflow" else xp.convert_to_tensor(variable)


def split(array: Any, sizes: Sequence[int]) -> list[Any]:
    """Splits a vector into parts of the given sizes."""
    return (
        tf.split(array, sizes) if BACKEND == "tensorflow" else xp.split(array, list(itertools.accumulate(sizes))[:-1])
    )


def is_distributed() -> bool:
    """Whether TensorFlow distributes training over devices, so that a variable may stand for several."""
    return BACKEND == "tensorflow" and tf.distribute.has_strategy()


class CompatibleOptimizer(keras.optimizers.Optimizer):  # type: ignore[name-defined]
    """A Keras optimizer with the same constructor, slots and gradients in both versions and on every backend.

    Sparse gradients are converted to dense ones first, unless the subclass `takes_sparse_gradients`. Subclasses define
    `update_variables`, and `update_step` for a single variable.

    Args:
      learning_rate: A number or a `LearningRateSchedule`.
      **kwargs: Keyword arguments common to all Keras optimizers.
    """

    def __init__(self, learning_rate: Any, **kwargs: Any):
        kwargs.setdefault("name", type(self).__name__)
        kwargs.setdefault("weight_decay", None)  # Keras 2's default of 0 still decays, and inf * 0 is NaN.
        if IS_KERAS_3:
            super().__init__(learning_rate=learning_rate, **kwargs)
        else:
            super().__init__(**kwargs)
            self._learning_rate = self._build_learning_rate(learning_rate)

    @property
    def takes_sparse_gradients(self) -> bool:
        """Whether `update_variables` accepts TensorFlow's sparse gradients."""
        return False

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not IS_KERAS_3:
            config["learning_rate"] = self._serialize_hyperparameter(self._learning_rate)
        return config

    if IS_KERAS_3:

        def apply(self, grads: Iterable[Any], trainable_variables: Any = None) -> None:
            """Applies gradients to the trainable variables, as every Keras optimizer does."""
            if not self.takes_sparse_gradients or self._reads_whole_gradients():
                grads = [_dense(gradient) for gradient in grads]
            with _without_gradients():
                super().apply(list(grads), trainable_variables)

        def _reads_whole_gradients(self) -> bool:
            clips = (self.clipnorm, self.clipvalue, self.global_clipnorm)
            changed = bool(self.gradient_accumulation_steps) or self.loss_scale_factor is not None
            return is_distributed() or changed or any(c is not None for c in clips)

        def update_variables(self, gradients: Sequence[Any], variables: Sequence[Any], rate: Any, step: Any) -> None:
            raise NotImplementedError

        def _new_slot(self, variable: Any, name: str) -> Any:
            if self._overwrite_variable_with_gradient(variable):
                return None
            return self.add_variable_from_reference(variable, name=name)

        def _index(self, variable: Any) -> int:
            return self._get_variable_index(variable)

        def _set(self, variable: Any, value: Any) -> None:
            self.assign(variable, value)

        def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
            # Read once per step: with many small tensors, a read for each one costs more than the update itself.
            scalars = value_of(learning_rate), value_of(self.iterations)
            if is_distributed():
                super()._backend_update_step(grads, trainable_variables, scalars)
            else:
                self.update_variables(grads, trainable_variables, *scalars)

    else:

        def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], *args: Any, **kwargs: Any) -> Any:
            """Applies gradients to variables, as every Keras optimizer does."""
            pairs = [(_dense(gradient), variable) for gradient, variable in grads_and_vars]
            return super().apply_gradients(pairs, *args, **kwargs)

        def _new_slot(self, variable: Any, name: str) -> Any:
            return self.add_variable_from_reference(model_variable=variable, variable_name=name)

        def _index(self, variable: Any) -> int:
            return self._index_dict[self._var_key(variable)]

        def _set(self, variable: Any, value: Any) -> None:
            variable.assign(value)


def is_sparse(gradient: Any) -> bool:
    """Whether a gradient is one of TensorFlow's sparse gradients."""
    return BACKEND == "tensorflow" and isinstance(gradient, tf.IndexedSlices)


def _dense(gradient: Any) -> Any:
    if gradient is None:
        return None
    if BACKEND == "tensorflow":
        return tf.convert_to_tensor(gradient) if is_sparse(gradient) else gradient
    return xp.convert_to_tensor(gradient, sparse=False)


def tf_variables(variables: Iterable[Any]) -> list[Any]:
    """The TensorFlow variables behind Keras variables."""
    return [variable if isinstance(variable, tf.Variable) else variable.value for variable in variables]


@contextlib.contextmanager
def random_state_in_variables() -> Iterator[None]:
    """Makes random layers that are created inside keep their random state in variables, as Keras 3 always does."""
    if IS_KERAS_3:
        yield
        return
    settings = keras.backend.experimental
    enabled = settings.is_tf_random_generator_enabled()
    settings.enable_tf_random_generator()
    try:
        yield
    finally:
        if not enabled:
            settings.disable_tf_random_generator()


def model_variables(model: Any) -> list[Any]:
    """Everything that a model's own steps change: weights, running statistics, and the state of its random layers.

    Args:
      model: A built model, created within `random_state_in_variables`.
    """
    variables = tf_variables(model.variables)
    if not IS_KERAS_3:  # Keras 2 hides the state of random layers.
        wrappers = [getattr(layer, "_random_generator", None) for layer in model.submodules]
        generators = [getattr(wrapper, "_generator", None) for wrapper in wrappers]
        variables += [generator.state for generator in generators if generator is not None]
    return variables


def build_optimizer(optimizer: Any, variables: Sequence[Any]) -> None:
    """Creates the slots of the given variables, even if a legacy Keras 2 optimizer leaves that to its first step.

    Args:
      optimizer: A Keras optimizer; those of tensorflow-addons are legacy ones.
      variables: Variables to train.
    """
    if _is_legacy(optimizer):
        optimizer._create_all_weights(variables)
    else:
        optimizer.build(variables)


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Everything but the weights that an optimizer's steps change: slots, step count and loss scale.

    Args:
      optimizer: A built Keras optimizer.
    """
    if IS_KERAS_3:
        return tf_variables(optimizer.variables)
    variables = list(optimizer.weights if _is_legacy(optimizer) else optimizer.variables)
    if hasattr(optimizer, "inner_optimizer"):  # Keras 2 hides the state of its loss scaling.
        variables += [optimizer._loss_scale.current_loss_scale, optimizer._loss_scale.counter]
    return variables


def _is_legacy(optimizer: Any) -> bool:
    return not IS_KERAS_3 and isinstance(optimizer, keras.optimizers.legacy.Optimizer)


def weight_averages(optimizer: Any) -> list[Any]:
    """Running averages of the weights, one per trained variable; empty unless the optimizer keeps them (`use_ema`).

    Args:
      optimizer: A built Keras optimizer.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # Keras' loss scaling wraps the optimizer.
    return tf_variables(inner._model_variables_moving_average) if getattr(inner, "use_ema", False) else []


def keep_weights(optimizer: Any) -> None:
    """Leaves the weights alone at the end of `fit`, where Keras would replace them with their averages."""
    for one in {id(each): each for each in (optimizer, getattr(optimizer, "inner_optimizer", optimizer))}.values():
        one.finalize_variable_values = lambda var_list: None
