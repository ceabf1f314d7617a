"""Searchers by name. Each is registered where it is defined, together with its settings class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nos_tf.common.errors import unknown
from nos_tf.common.settings import Settings
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers.searcher import Searcher

Maker = Callable[[SearchSpace, int, Any], Searcher]


class _Entry(NamedTuple):
    settings: type[Settings]
    make: Maker


_ENTRIES: dict[str, _Entry] = {}


def register(name: str, settings: type[Settings]) -> Callable[[Any], Any]:
    """Registers a class or function as a searcher.

    Args:
      name: Name of the searcher.
      settings: Class of its settings.

    Returns:
      A decorator for the class or function that creates the searcher from a search space, a seed and the settings.
    """

    def decorate(make: Any) -> Any:
        _ENTRIES[name] = _Entry(settings, make)
        return make

    return decorate


def names() -> tuple[str, ...]:
    """Names of all searchers."""
    return tuple(_ENTRIES)


def settings(name: str, **changes: Any) -> Any:
    """Returns the settings of a searcher, including those that have command-line flags. Does not load TensorFlow.

    Args:
      name: One of `names()`.
      **changes: Settings that differ from the defaults.

    Raises:
      ValueError: The name is unknown, or a setting is unknown or out of range.
    """
    if name not in _ENTRIES:
        raise ValueError(unknown("searcher", name, _ENTRIES))
    known = _ENTRIES[name].settings.__dataclass_fields__
    for setting in changes:
        if setting not in known:
            raise ValueError(unknown(f"setting of {name}", setting, known))
    return _ENTRIES[name].settings(**changes)


def get(name: str, space: SearchSpace, seed: int, **changes: Any) -> Searcher:
    """Creates a searcher.

    Args:
      name: One of `names()`.
      space: The search space.
      seed: Seed of all its random draws, at least 0.
      **changes: Settings that differ from the defaults, such as `learning_rate` for "ppo".

    Raises:
      ValueError: As for `settings`.
    """
    resolved = settings(name, **changes)
    return _ENTRIES[name].make(space, seed, resolved)
