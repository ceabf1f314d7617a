"""Settings as frozen dataclasses, whose fields are the only place that states defaults, ranges and help texts."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any

from nos_tf.common.text import number


def setting(
    default: Any,
    help: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    flag: str | None = None,
) -> Any:
    """A field of a `Settings` class.

    Args:
      default: Default value, which also determines the type.
      help: One-sentence description.
      at_least: Inclusive lower bound.
      above: Exclusive lower bound.
      below: Exclusive upper bound.
      flag: Name of the command-line flag that sets it, if any.
    """
    bounds = {"at least": at_least, "above": above, "below": below}
    return dataclasses.field(default=default, metadata={"help": help, "bounds": bounds, "flag": flag})


def lower_bound(field: dataclasses.Field[Any]) -> Any:
    """Lower bound of a setting, inclusive or not; None if it has none."""
    bounds = field.metadata["bounds"]
    return bounds["above"] if bounds["at least"] is None else bounds["at least"]


# Type of a value and words for it, by the type of the setting's default.
_KINDS: dict[type, tuple[Any, str]] = {
    bool: (bool, "True or False"),
    int: (numbers.Integral, "an integer"),
    float: (numbers.Real, "a number"),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base class of settings, which checks that every value is within its range.

    Raises:
      ValueError: A value has another type than the default, is out of range, or is not finite.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value: Any = getattr(self, field.name)
            bounds = field.metadata["bounds"]
            kind, words = _KINDS[type(field.default)]
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise ValueError(f"{field.name} must be {words}. Received: {field.name}={value!r}")
            limits = {word: bound for word, bound in bounds.items() if bound is not None}
            if limits and not (math.isfinite(value) and _is_within(value, bounds)):
                range_text = " and ".join(f"{word} {number(bound)}" for word, bound in limits.items())
                raise ValueError(f"{field.name} must be {range_text}. Received: {field.name}={value!r}")


def _is_within(value: float, bounds: dict[str, float | None]) -> bool:
    low, open_low, high = bounds["at least"], bounds["above"], bounds["below"]
    return (low is None or value >= low) and (open_low is None or value > open_low) and (high is None or value < high)
