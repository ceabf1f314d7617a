"""Which learning rates a sweep tries: a grid, on past its ends, and ever finer around the best one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Measure = Callable[[Sequence[float]], Sequence[float]]


def refined(learning_rates: Sequence[float], extensions: int, refinements: int, measure: Measure) -> dict[float, float]:
    """Scores of every learning rate that was tried.

    While the best rate is an end of the grid, the grid grows there by one more step. Then both gaps beside the best
    rate are halved, on a logarithmic scale, again and again.

    Args:
      learning_rates: The grid, in any order.
      extensions: How many steps it may grow by.
      refinements: How often the gaps are halved: two make quarter decades of a grid of decades.
      measure: Scores of learning rates, `-inf` for those that are out of the question.

    Returns:
      The scores by rate; the grid in its own order, then what was tried after it.
    """
    scores = dict(zip(learning_rates, measure(learning_rates), strict=True))

    def neighbors() -> tuple[float, list[float]]:
        ordered = sorted(scores)
        place = ordered.index(best_rate(scores))
        return ordered[place], [*ordered[max(place - 1, 0) : place], *ordered[place + 1 : place + 2]]

    for _ in range(extensions):
        best, beside = neighbors()
        if len(beside) != 1 or scores[best] == -math.inf:
            break
        rate = _rounded(best * (best / beside[0]))
        scores[rate] = measure([rate])[0]
    for _ in range(refinements):
        best, beside = neighbors()
        if scores[best] == -math.inf:
            break
        rates = [_rounded(math.sqrt(best * rate)) for rate in beside]
        scores.update(zip(rates, measure(rates), strict=True))
    return scores


def best_rate(scores: dict[float, float]) -> float:
    """The rate of the highest score; of equal ones the first that was tried."""
    return max(scores, key=lambda rate: scores[rate])


def _rounded(rate: float) -> float:
    # Ten digits read well, and hide how the rate was computed.
    return float(f"{rate:.10g}")
