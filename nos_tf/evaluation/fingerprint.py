"""Keys shared by update rules that behave alike on fixed streams of gradients, up to a positive factor.

The algebra of canonical keys misses equalities that follow from magnitudes or from the arithmetic: `sign(adam)` is
`sign(m)`, and `clip(2, 1e-5)` is a constant. Here, rules are run in single precision, as in training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from nos_tf.dsl.program import Program
from nos_tf.evaluation.responses import responses

# Each number is a projection of the logarithms of all values. Rounding changes it by 1e-7, which puts two equal rules
# into different cells in about one case in a hundred. This costs an extra training run, nothing more.
_NUMBERS = 4
_CELL = 3e-5  # Relative: rules that differ by less than this everywhere train alike.
_SEED = 1709


def fingerprints(programs: Iterable[Program]) -> list[str]:
    """Computes the fingerprint of each rule, which is the same in every process.

    Each value of the update counts relative to its own magnitude, however small, by its sign, and by whether it is
    zero, infinite or NaN. Random draws depend on their position in the program, as in training, so rules that differ
    only in their draws have different fingerprints.

    Args:
      programs: Rules.

    Returns:
      32 hexadecimal digits for each rule. Rules with equal fingerprints take the same path through training, up to
      rounding, at learning rates that differ by a constant factor.
    """
    return [text for values in responses(list(programs)) for text in of_responses(values)]


def of_responses(values: np.ndarray) -> list[str]:
    """Fingerprints of rules, from their responses to the streams, float32 `[rules, entries]`."""
    values = values[:, : values.shape[1] // 2]  # Under the loss; the half under its negative adds nothing.
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
