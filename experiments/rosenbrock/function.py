"""The Rosenbrock function of two variables, in plain arithmetic for both NumPy arrays and TensorFlow tensors.

    f(x, y) = (1 - x)**2 + 100 (y - x**2)**2

Its minimum of 0 at (1, 1) lies in a curved valley that is flat along and steep across. Source: Rosenbrock, "An
Automatic Method for Finding the Greatest or Least Value of a Function", The Computer Journal 3 (1960).
"""

from __future__ import annotations

from typing import Any

START = (-1.2, 1.0)  # Rosenbrock's start; the paper does not state its own.


def value(x: Any, y: Any) -> Any:
    """`f(x, y)`, shaped like the arguments."""
    return (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2


def gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """Derivatives of `f` with respect to `x` and `y`, shaped like the arguments."""
    across = 200.0 * (y - x**2)
    return -2.0 * (1.0 - x) - 2.0 * x * across, across
