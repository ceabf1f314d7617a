"""Settings as frozen dataclasses, whose fields are the only place that states defaults, ranges and help texts."""

from __future__ import annotations

import dataclasses
import math
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


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base class of settings, which checks that every value is within its range.

    Raises:
      ValueError: A value is out of range or not finite.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, bounds = getattr(self, field.name), field.metadata["bounds"]
            limits = {word: bound for word, bound in bounds.items() if bound is not None}
            if limits and not (math.isfinite(value) and _is_within(value, bounds)):
                range_text = " and ".join(f"{word} {number(bound)}" for word, bound in limits.items())
                raise ValueError(f"{field.name} must be {range_text}. Received: {field.name}={value!r}")


def _is_within(value: float, bounds: dict[str, float | None]) -> bool:
    low, open_low, high = bounds["at least"], bounds["above"], bounds["below"]
    return (low is None or value >= low) and (open_low is None or value > open_low) and (high is None or value < high)
