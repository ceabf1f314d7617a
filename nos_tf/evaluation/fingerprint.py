"""A key for update rules that behave alike: what they make of fixed streams of gradients, up to a positive factor.

The algebra of canonical keys misses that rules are equal where that follows from sizes or from the arithmetic:
`sign(adam)` is `sign(m)`, and `clip(2, 1e-5)` is a constant. Here rules are run, in single precision as in a training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from nos_tf.dsl.program import Program
from nos_tf.evaluation.responses import responses

# Each number is a projection of the logarithms of all values, of which rounding changes it by 1e-7, so that rounding
# takes two equal rules over the border of a cell in about one case of a hundred. That costs a training, and no more.
_NUMBERS = 4
_CELL = 3e-5  # Relative: rules that differ by less than that everywhere train alike.
_SEED = 1709


def fingerprints(programs: Iterable[Program]) -> list[str]:
    """Fingerprint of each rule, the same in every process.

    Each value of the update counts relative to its own size, however small, in its sign, and in whether it is zero,
    infinite or NaN. Random draws are fixed by their place in the program, as in a training, so rules that only draw
    differently have different fingerprints.

    Args:
      programs: Rules.

    Returns:
      32 hexadecimal digits for each rule. Rules of equal fingerprints take the same path through a training up to
      rounding, at learning rates that differ by a constant factor.
    """
    return [text for values in responses(list(programs)) for text in of_responses(values)]


def of_responses(values: np.ndarray) -> list[str]:
    """Fingerprints of rules, from their responses to the streams, float32 `[rules, entries]`."""
    values = values[:, : values.shape[1] // 2]  # Under the loss; its negative shows nothing that this half does not.
    is_number = np.isfinite(values) & (values != 0.0)
    signs = np.where(np.isfinite(values), np.sign(values), np.nan_to_num(values, nan=3.0, posinf=2.0, neginf=-2.0))
    logarithms = np.log(np.abs(values, dtype=np.float64), out=np.zeros(values.shape), where=is_number)
    mean = logarithms.sum(axis=1) / np.maximum(is_number.sum(axis=1), 1)
    logarithms -= np.where(is_number, mean[:, None], 0.0)
    cells = np.rint(logarithms @ _projections(values.shape[1]) / _CELL).astype(np.int64)
    digests = zip(signs.astype(np.int8), cells, strict=True)
    return [hashlib.blake2b(a.tobytes() + b.tobytes(), digest_size=16).hexdigest() for a, b in digests]


def _projections(entries: int) -> np.ndarray:
    return np.random.default_rng(_SEED).normal(size=(entries, _NUMBERS)) / np.sqrt(entries)
