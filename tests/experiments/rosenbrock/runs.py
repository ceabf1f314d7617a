"""Made-up runs."""

import math

import numpy as np

from experiments.rosenbrock.comparison import Run


def make(name: str, kind: str, rate: float, final: float | None, seed: int = 0, epsilon: float | None = None) -> Run:
    """Creates a run that falls from 24.2 to its final value, or diverges if there is none."""
    values = np.array([24.2, 1.0, math.nan if final is None else final])
    return Run(name, None, kind, rate, epsilon, seed, values, 0.001)
