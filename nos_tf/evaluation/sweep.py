"""Which learning rates a sweep tries after its grid: on past the grid's ends, and ever finer around the best one.

Scores are `-inf` where a rate is out of the question; where all are, nothing more is tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Measure = Callable[[Sequence[float]], Sequence[float]]


def extend(scores: dict[float, float], steps: int, measure: Measure) -> None:
    """Lets a grid grow by one more step, again and again, where its best rate is an end of it.

    Args:
      scores: Scores by rate, which gain what is tried.
      steps: How many steps it may grow by.
      measure: Scores of learning rates.
    """
    for _ in range(steps):
        best, beside = _best_and_neighbors(scores)
        if len(beside) != 1 or scores[best] == -math.inf:
            return
        _try([best * (best / beside[0])], scores, measure)


def refine(scores: dict[float, float], times: int, measure: Measure) -> None:
    """Halves both gaps beside the best rate, on a logarithmic scale, again and again.

    Args:
      scores: Scores by rate, which gain what is tried.
      times: How often: twice makes quarter decades of a grid of decades.
      measure: Scores of learning rates.
    """
    for _ in range(times):
        best, beside = _best_and_neighbors(scores)
        if scores[best] == -math.inf:
            return
        _try([math.sqrt(best * rate) for rate in beside], scores, measure)


def best_rate(scores: dict[float, float]) -> float:
    """The rate of the highest score; of equal ones the first that was tried."""
    return max(scores, key=lambda rate: scores[rate])


def _best_and_neighbors(scores: dict[float, float]) -> tuple[float, list[float]]:
    ordered = sorted(scores)
    place = ordered.index(best_rate(scores))
    return ordered[place], [*ordered[max(place - 1, 0) : place], *ordered[place + 1 : place + 2]]


def _try(rates: Sequence[float], scores: dict[float, float], measure: Measure) -> None:
    # Ten digits read well, and hide how a rate was computed.
    rounded = [float(f"{rate:.10g}") for rate in rates]
    scores.update(zip(rounded, measure(rounded), strict=True))
