"""Flags of the scripts that compare optimizers at several learning rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from absl import flags

from nos_tf.common.errors import RunError

PAPER_RATES = tuple(f"1e{exponent}" for exponent in range(-5, 2))


def define(optimizers: Sequence[str], learning_rates: Sequence[str], seeds: int) -> None:
    """Defines `--optimizers`, `--learning_rates` and `--seeds`, with the given defaults."""
    flags.DEFINE_list(
        "optimizers",
        list(optimizers),
        "Zoo names, rules as text (double-quoted if they contain a comma), keras/NAME, or addons/NAME.",
    )
    flags.DEFINE_list(
        "learning_rates", list(learning_rates), "Learning rates to try with each optimizer; the best one is reported."
    )
    flags.DEFINE_integer("seeds", seeds, "Number of seeds for each optimizer, starting at --seed.", lower_bound=1)


def optimizers() -> list[str]:
    """The requested optimizers, without duplicates.

    Raises:
      RunError: The list or a name in it is empty.
    """
    names = list(dict.fromkeys(name.strip() for name in flags.FLAGS.optimizers))
    if not all(names) or not names:
        raise RunError(f"Name at least one optimizer. Received: --optimizers={','.join(names)}")
    return names


def learning_rates() -> list[float]:
    """The requested learning rates, without duplicates, in ascending order.

    Raises:
      RunError: The list is empty, or an entry is not a positive number.
    """
    return sorted(set(positive_rates("learning_rates", flags.FLAGS.learning_rates)))


def positive_rates(flag: str, texts: Sequence[str]) -> list[float]:
    """Parses the learning rates of a list flag, in the given order.

    Args:
      flag: Name of the flag, for the error message.
      texts: Value of the flag, given or stored.

    Raises:
      RunError: The list is empty, or an entry is not a positive number.
    """
    try:
        rates = [float(text) for text in texts]
    except ValueError:
        rates = []
    if not rates or not all(0.0 < rate < math.inf for rate in rates):
        raise RunError(
            f"The sweep must be a list of positive learning rates, such as 0.01,0.1,1. "
            f"Received: --{flag}={','.join(texts)}"
        )
    return rates
