"""Philox4x32-10: random bits as a function of a counter and a key, computed with plain integer operations.

No state is kept between draws, so the same step with the same seed draws the same bits on every backend, compiled or
not, and after a restore.

Reference:
  Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3. Their Random123 publishes the test vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nos_tf.dsl.state import Array

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # Added to the key between rounds.
_ROUNDS = 10
_LOW = 0xFFFF


def philox4x32(counter: Sequence[Array], key: Sequence[Array], xp: Any) -> tuple[Array, Array, Array, Array]:
    """Four random words for each counter.

    Args:
      counter: Four words, as arrays of the same shape with integers in [0, 2**32), of dtype uint32, or int64 for
        backends without uint32 arithmetic. The same counter and key always give the same words.
      key: Two words of the same dtype, scalars or shaped like the counter's.
      xp: Array functions under NumPy's names.

    Returns:
      Four arrays with the counter's shape and dtype, of integers in [0, 2**32).
    """
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for round_number in range(_ROUNDS):
        if round_number:
            k0, k1 = (_sum_of_words(word, weyl, xp) for word, weyl in ((k0, _WEYL[0]), (k1, _WEYL[1])))
        high0, low0 = _product(_MULTIPLIERS[0], x0, xp)
        high1, low1 = _product(_MULTIPLIERS[1], x2, xp)
        x0, x1 = xp.bitwise_xor(xp.bitwise_xor(high1, x1), k0), low1
        x2, x3 = xp.bitwise_xor(xp.bitwise_xor(high0, x3), k1), low0
    return x0, x1, x2, x3


def _product(factor: int, x: Array, xp: Any) -> tuple[Array, Array]:
    """High and low word of a product, computed on half-words so that no intermediate result exceeds 32 bits."""
    a_low, a_high = factor & _LOW, factor >> 16
    x_low, x_high = xp.bitwise_and(x, _LOW), xp.right_shift(x, 16)
    low, cross, other = x_low * a_low, x_high * a_low, x_low * a_high
    middle = xp.right_shift(low, 16) + xp.bitwise_and(cross, _LOW) + xp.bitwise_and(other, _LOW)
    high = x_high * a_high + xp.right_shift(cross, 16) + xp.right_shift(other, 16) + xp.right_shift(middle, 16)
    return high, xp.bitwise_and(middle, _LOW) * 2**16 + xp.bitwise_and(low, _LOW)


def _sum_of_words(x: Array, number: int, xp: Any) -> Array:
    """Sum modulo 2**32, also computed on half-words."""
    low = xp.bitwise_and(x, _LOW) + (number & _LOW)
    high = xp.right_shift(x, 16) + (number >> 16) + xp.right_shift(low, 16)
    return xp.bitwise_and(high, _LOW) * 2**16 + xp.bitwise_and(low, _LOW)
