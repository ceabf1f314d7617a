"""The random numbers of an update: Philox bits, determined by seed, step, variable and position in the rule."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nos_tf.dsl.entries import NOISE_STREAMS
from nos_tf.dsl.primitives import MAX_GROUPS
from nos_tf.dsl.state import Array
from nos_tf.optimizers.keras_compat import WORD, kernels, xp
from nos_tf.optimizers.philox import philox4x32

# Random streams of one variable: one for each side of each group, then those of the noise operands.
FIRST_NOISE_SITE = 2 * MAX_GROUPS
_SITES = FIRST_NOISE_SITE + NOISE_STREAMS
_WORDS = 4  # Per counter.
SCHEDULE = 2**27  # Stands in for a variable's index, beyond all of them, in the noise of learning rates.


@dataclasses.dataclass(frozen=True)
class Randomness:
    """The source of a step's random numbers: the same seed, variable, step and site always give the same bits.

    Element `e` of a variable is word `e % 4` of Philox4x32-10 for the counter `(e // 4, 0, 16 * variable + site, 0)`
    and the key `(seed, step)`, so no two elements ever share a draw. A normal number takes two words, those of `e` and
    of `size + e`.

    Attributes:
      seed: Seed of the training run, below 2**32; an integer or an integer scalar.
      sizes: Number of weights of each variable, by the variable's index in the model. Draws for several variables are
        concatenated into one vector.
    """

    seed: Any
    sizes: Mapping[int, int]

    def draw(self, site: Any, step: Array, dtype: Any, normal: bool) -> Array:
        """Uniform draws from [0, 1) in multiples of 2**-24, or standard normal draws, of shape `[sum(sizes)]`."""
        sizes = list(self.sizes.values())
        words = [2 * size for size in sizes] if normal else sizes
        parts = _bits(self.seed, step, [index * _SITES + site for index in self.sizes], words)
        if not normal:
            return _uniform(parts, dtype)
        radii = _uniform([part[:size] for part, size in zip(parts, sizes, strict=True)], dtype)
        angles = _uniform([part[size:] for part, size in zip(parts, sizes, strict=True)], dtype)
        return xp.sqrt(-2.0 * xp.log1p(-radii)) * xp.cos(2.0 * math.pi * angles)  # Box-Muller.


def _bits(seed: Any, step: Array, streams: Sequence[Any], words: Sequence[int]) -> list[Array]:
    """The given number of words from each stream, in the backend's integer dtype."""
    if kernels is not None:
        key = kernels.random_key(seed, step)
        return [kernels.random_bits(size, key, stream) for stream, size in zip(streams, words, strict=True)]
    blocks = [xp.arange(-(-size // _WORDS), dtype=WORD) for size in words]
    stream = xp.concatenate([xp.full_like(block, each) for block, each in zip(blocks, streams, strict=True)])
    zero = xp.convert_to_tensor(0, dtype=WORD)
    key = xp.cast(seed, WORD), xp.cast(step, WORD)
    result = xp.stack(philox4x32((xp.concatenate(blocks), zero, stream, zero), key, xp), axis=-1)
    parts, start = [], 0
    for block, size in zip(blocks, words, strict=True):
        end = start + int(block.shape[0])
        parts.append(xp.reshape(result[start:end], [-1])[:size])
        start = end
    return parts


def _uniform(parts: list[Array], dtype: Any) -> Array:
    bits = parts[0] if len(parts) == 1 else xp.concatenate(parts)
    return xp.cast(xp.cast(xp.right_shift(bits, 8), "int32"), dtype) * xp.convert_to_tensor(2.0**-24, dtype=dtype)
