"""Optimizers from other libraries, the field's baselines, by name: `keras/NAME` and `addons/NAME`.

References:
  LAMB: You et al. (2020), arXiv:1904.00962. RectifiedAdam: Liu et al. (2020), arXiv:1908.03265. Yogi: Zaheer et al.
  (2018). AdaBelief: Zhuang et al. (2020), arXiv:2010.07468. NovoGrad: Ginsburg et al. (2019), arXiv:1905.11286. SGDW:
  Loshchilov and Hutter (2019), arXiv:1711.05101. Lookahead: Zhang et al. (2019), arXiv:1907.08610.
"""

from __future__ import annotations

import inspect
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from nos_tf.common.errors import unknown
from nos_tf.common.versions import versions
from nos_tf.optimizers.keras_compat import keras

_DEFAULT_WEIGHT_DECAY = 1e-4  # For SGDW, which has no default; subtracted as is, without the learning rate.


def _keras() -> dict[str, Callable[..., Any]]:
    module = keras.optimizers
    members = {name.lower(): getattr(module, name) for name in dir(module)}
    base = members.pop("optimizer")
    return {
        name: member
        for name, member in members.items()
        if inspect.isclass(member)
        and issubclass(member, base)
        and "learning_rate" in inspect.signature(member).parameters
    }


def _addons() -> dict[str, Callable[..., Any]]:
    optimizers = _import_addons().optimizers

    def sgdw(weight_decay: float = _DEFAULT_WEIGHT_DECAY, momentum: float = 0.9, **kwargs: Any) -> Any:
        return optimizers.SGDW(weight_decay=weight_decay, momentum=momentum, **kwargs)

    def lookahead(learning_rate: Any, **kwargs: Any) -> Any:
        # The combination that tensorflow-addons documents, also known as Ranger.
        return optimizers.Lookahead(optimizers.RectifiedAdam(learning_rate=learning_rate), **kwargs)

    classes = (optimizers.LAMB, optimizers.RectifiedAdam, optimizers.Yogi, optimizers.AdaBelief, optimizers.NovoGrad)
    return {member.__name__.lower(): member for member in classes} | {"sgdw": sgdw, "lookahead": lookahead}


def _import_addons() -> types.ModuleType:
    try:
        with warnings.catch_warnings():
            # It warns about its end of life and about newer versions of TensorFlow, which are tested with it here.
            warnings.simplefilter("ignore")
            import tensorflow_addons
    except ImportError:
        raise ValueError(
            "Optimizers of tensorflow-addons need the extra [addons], with Python 3.10 or 3.11: "
            f"pip install 'nos_tf[addons]'. Received: TensorFlow {versions()['tensorflow']} without tensorflow-addons"
        ) from None
    return tensorflow_addons


LIBRARIES: Mapping[str, Callable[[], dict[str, Callable[..., Any]]]] = {"keras": _keras, "addons": _addons}


def get(name: str, learning_rate: Any, **kwargs: Any) -> Any:
    """Creates an optimizer from another library.

    Args:
      name: `keras/` or `addons/` followed by the name of a class, in any case.
      learning_rate: A number or a `LearningRateSchedule`.
      **kwargs: Other arguments of the class.

    Raises:
      ValueError: The library has no such optimizer or is not installed, or the class does not accept the arguments.
    """
    library, _, optimizer = name.lower().partition("/")
    known = LIBRARIES[library]()
    if optimizer not in known:
        raise ValueError(unknown(f"optimizer of {library}", optimizer, known))
    try:
        return known[optimizer](learning_rate=learning_rate, **kwargs)
    except TypeError as error:
        arguments = ", ".join(f"{key}={value!r}" for key, value in kwargs.items())
        raise ValueError(
            f"Cannot create {name} with these arguments ({error}); drop them or choose another optimizer. "
            f"Received: {arguments}"
        ) from None
