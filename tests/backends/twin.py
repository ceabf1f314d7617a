"""Trainings in NumPy, including random numbers; every backend must match them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from nos_tf.dsl import Program, parse
from tests.dsl import numpy_twin

_WORD = np.uint64(2**32 - 1)
SITES = 16  # Random streams per variable: two sides of four groups, then eight for noise.
NOISE, ANNEALED_NOISE = 8, 9


def philox(counter: Sequence[np.ndarray], key: Sequence[int]) -> list[np.ndarray]:
    """Philox4x32-10 (Salmon et al., 2011) with 64-bit products."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = (np.uint64(word) for word in key)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (b >> np.uint64(32)) ^ c1 ^ k0, b & _WORD, (a >> np.uint64(32)) ^ c3 ^ k1, a & _WORD
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & _WORD, (k1 + np.uint64(0xBB67AE85)) & _WORD
    return [c0, c1, c2, c3]


@functools.cache
def uniform(seed: int, step: int, variable: int, site: int, size: int) -> np.ndarray:
    """Draws from [0, 1) for one site in the rule and one variable."""
    blocks = np.arange(-(-size // 4), dtype=np.uint64)
    zeros = np.zeros_like(blocks)
    words = philox([blocks, zeros, zeros + np.uint64(SITES * variable + site), zeros], [seed, step])
    return (np.stack(words, axis=-1).reshape(-1)[:size] >> np.uint64(8)) * 2.0**-24


@functools.cache
def normal(seed: int, step: int, variable: int, site: int, size: int) -> np.ndarray:
    """Standard normal draws by the Box-Muller transform."""
    draws = uniform(seed, step, variable, site, 2 * size)
    return np.sqrt(-2.0 * np.log1p(-draws[:size])) * np.cos(2.0 * np.pi * draws[size:])


@dataclasses.dataclass
class Twin:
    """A rule and its averages, for variables concatenated into one vector.

    Attributes:
      program: The rule.
      sizes: Number of weights in each variable.
      total_steps: Number of steps in the training.
      seed: Seed of the random numbers.
    """

    program: Program | str
    sizes: Sequence[int]
    total_steps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        self.program = parse(self.program) if isinstance(self.program, str) else self.program
        self.averages = numpy_twin.Averages.zeros((sum(self.sizes),))

    def update(self, gradient: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Returns the update of the next step."""
        step = self.averages.step

        def draws(draw, site: int) -> np.ndarray:
            return np.concatenate([draw(self.seed, step, i, site, size) for i, size in enumerate(self.sizes)])

        noise, annealed = (
            draws(normal, site) if name in self.program.operands else None
            for name, site in (("noise", NOISE), ("annealed_noise", ANNEALED_NOISE))
        )
        operands = self.averages.operands(gradient, weights, self.total_steps, noise, annealed)
        with np.errstate(all="ignore"):
            value = numpy_twin.update(self.program, operands, lambda rate, site: draws(uniform, site) >= rate)
        return np.broadcast_to(value, weights.shape)

    def train(self, weights: np.ndarray, gradients: np.ndarray, rates: Sequence[float] | float) -> np.ndarray:
        """Returns the weights after each step, of shape `[steps, size]`."""
        path, rates = [], np.broadcast_to(rates, [len(gradients)])
        for gradient, rate in zip(gradients, rates, strict=True):
            weights = weights - rate * self.update(gradient, weights)
            path.append(weights)
        return np.array(path)
