"""Chooses the learning rates that a sweep tries after its grid: beyond the grid's ends, and ever closer to the best.

A score of `-inf` rules out a rate; if all rates are ruled out, nothing more is tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Measure = Callable[[Sequence[float]], Sequence[float]]


def extend(scores: dict[float, float], steps: int, measure: Measure) -> None:
    """Extends a grid step by step while its best rate is at one end.

    Args:
      scores: Scores by rate, to which those of new rates are added.
      steps: Maximum number of steps.
      measure: Function that scores learning rates.
    """
    for _ in range(steps):
        best, beside = _best_and_neighbors(scores)
        if len(beside) != 1 or scores[best] == -math.inf:
            return
        _try([best * (best / beside[0])], scores, measure)


def refine(scores: dict[float, float], times: int, measure: Measure) -> None:
    """Repeatedly halves both gaps beside the best rate, on a logarithmic scale.

    Args:
      scores: Scores by rate, to which those of new rates are added.
      times: Number of repetitions; two turn a grid of decades into quarter decades.
      measure: Function that scores learning rates.
    """
    for _ in range(times):
        best, beside = _best_and_neighbors(scores)
        if scores[best] == -math.inf:
            return
        _try([math.sqrt(best * rate) for rate in beside], scores, measure)


def best_rate(scores: dict[float, float]) -> float:
    """The rate with the highest score; in a tie, the first that was tried."""
    return max(scores, key=lambda rate: scores[rate])


def _best_and_neighbors(scores: dict[float, float]) -> tuple[float, list[float]]:
    ordered = sorted(scores)
    place = ordered.index(best_rate(scores))
    return ordered[place], [*ordered[max(place - 1, 0) : place], *ordered[place + 1 : place + 2]]


def _try(rates: Sequence[float], scores: dict[float, float], measure: Measure) -> None:
    # Ten digits read well and hide how a rate was computed.
    rounded = [float(f"{rate:.10g}") for rate in rates]
    scores.update(zip(rounded, measure(rounded), strict=True))
