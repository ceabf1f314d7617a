"""Flags of the scripts that compare optimizers at several learning rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from absl import flags

from nos_tf.errors import RunError

PAPER_RATES = tuple(f"1e{exponent}" for exponent in range(-5, 2))


def define(optimizers: Sequence[str], learning_rates: Sequence[str], seeds: int) -> None:
    """Defines `--optimizers`, `--learning_rates` and `--seeds`, with the given defaults."""
    flags.DEFINE_list(
        "optimizers",
        list(optimizers),
        "Names of the zoo, texts of rules (in double quotes where they hold a comma), keras/NAME, or addons/NAME.",
    )
    flags.DEFINE_list(
        "learning_rates", list(learning_rates), "Rates that each optimizer is tried with; the best is shown."
    )
    flags.DEFINE_integer("seeds", seeds, "Seeds of each optimizer, from --seed on.", lower_bound=1)


def optimizers() -> list[str]:
    """The optimizers asked for, each once.

    Raises:
      RunError: There are none.
    """
    names = list(dict.fromkeys(name.strip() for name in flags.FLAGS.optimizers))
    if not all(names) or not names:
        raise RunError(f"Name at least one optimizer. Received: --optimizers={','.join(names)}")
    return names


def learning_rates() -> list[float]:
    """The rates asked for, each once, in rising order.

    Raises:
      RunError: There are none, or one is no positive number.
    """
    return sorted(set(positive_rates("learning_rates", flags.FLAGS.learning_rates)))


def positive_rates(flag: str, texts: Sequence[str]) -> list[float]:
    """Learning rates that a list flag names, in its own order.

    Args:
      flag: Name of the flag, for the error.
      texts: Its value, given or stored.

    Raises:
      RunError: There are none, or one is no positive number.
    """
    try:
        rates = [float(text) for text in texts]
    except ValueError:
        rates = []
    if not rates or not all(0.0 < rate < math.inf for rate in rates):
        raise RunError(
            f"The sweep is a list of positive learning rates, as 0.01,0.1,1. Received: --{flag}={','.join(texts)}"
        )
    return rates
