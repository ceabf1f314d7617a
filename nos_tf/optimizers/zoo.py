"""Optimizers by name: the paper's, the baselines of a search, and those found here (`found-...`).

Sources: Bello et al. (2017), Table 1 (the rules it found, and the baselines), and its 2018 arXiv extension (decays of
PowerSign and AddSign).
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable
from typing import Any

from nos_tf.common.errors import excerpt, unknown
from nos_tf.dsl import Program, ProgramError
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.optimizers import external
from nos_tf.optimizers.keras_compat import keras
from nos_tf.optimizers.program_optimizer import ProgramOptimizer
from nos_tf.optimizers.sign_family import SIGN_DECAYS, AddSign, PowerSign

_SIGN_FAMILY: dict[str, Callable[..., Any]] = {
    "powersign": PowerSign,
    "powersign2": functools.partial(PowerSign, base=2.0),
    "addsign": AddSign,
    "addsign2": functools.partial(AddSign, alpha=2.0),
}


def _momentum(learning_rate: Any, total_steps: int | None = None, **kwargs: Any) -> Any:
    # The language has averages of gradients but no sums, so momentum is Keras' own.
    del total_steps
    return keras.optimizers.SGD(learning_rate, **{"momentum": 0.9, **kwargs})


def _rmsprop_nasnet(learning_rate: Any, total_steps: int | None = None, **kwargs: Any) -> Any:
    """RMSProp with the settings of NASNet (Zoph et al., 2018), the baseline of the paper's ImageNet table."""
    del total_steps
    return keras.optimizers.RMSprop(learning_rate, **{"rho": 0.9, "momentum": 0.9, "epsilon": 1.0, **kwargs})


_ZOO: dict[str, Callable[..., Any]] = {
    "momentum": _momentum,
    "rmsprop-nasnet": _rmsprop_nasnet,
    **{
        name: functools.partial(ProgramOptimizer, rule.text)
        for name, rule in NAMED_RULES.items()
        if not rule.has_own_class
    },
    **_SIGN_FAMILY,
    **{
        f"{name}-{decay}": functools.partial(make, sign_decay=decay)
        for name, make in _SIGN_FAMILY.items()
        for decay in SIGN_DECAYS
    },
}

_LIBRARY_PREFIXES = tuple(f"{library}/" for library in external.LIBRARIES)


def names(pattern: str = "*") -> tuple[str, ...]:
    """Names that `get` accepts.

    Example:
    >>> nos_tf.optimizers.names("*sign*cd")

    Args:
      pattern: Pattern for the names, in any case: `*` matches any text, `?` any character, and `[12]` any of the listed
        characters.

    Returns:
      The matching names in the zoo's order; empty if none matches.
    """
    return tuple(name for name in _ZOO if fnmatch.fnmatchcase(name, pattern.lower()))


def get(name: str | Program, /, learning_rate: Any = 0.1, total_steps: int | None = None, **kwargs: Any) -> Any:
    """Creates a Keras optimizer from a name or a rule.

    Example:
    >>> optimizer = nos_tf.optimizers.get("powersign-cd", learning_rate=0.1, total_steps=1000)

    Args:
      name: One of `names()`, a `Program`, or the text of a rule; or the name of another library's class in any case:
        `keras/adamw`, or `addons/lamb` if tensorflow-addons is installed. Positional-only, since Keras' own `name` is a
        keyword.
      learning_rate: A number or a `LearningRateSchedule`.
      total_steps: Total number of training steps; required by names that end in a decay.
      **kwargs: Other arguments of the optimizer.

    Raises:
      ValueError: The name is neither in the zoo nor a rule, its library has no such optimizer or is not installed, or
        the library's class does not accept the other arguments.
    """
    if isinstance(name, str) and name.lower().startswith(_LIBRARY_PREFIXES):
        return external.get(name, learning_rate, **kwargs)
    if isinstance(name, str) and name in _ZOO:
        return _ZOO[name](learning_rate=learning_rate, total_steps=total_steps, **kwargs)
    try:
        return ProgramOptimizer(name, learning_rate, total_steps, **kwargs)
    except ProgramError as error:
        if re.fullmatch(r"[A-Za-z][\w.-]*", str(name)):
            raise ValueError(unknown("optimizer or rule", name, _ZOO)) from None
        raise ValueError(f"Cannot parse the rule {excerpt(name)}. {error}") from None
