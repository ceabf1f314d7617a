"""Reports two sides that were timed alternately."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks import figures


def report(name: str, ours: Sequence[float], theirs: Sequence[float], unit: str) -> None:
    """Prints and records the medians of both sides and of their pairwise ratios."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    figures.record(f"{name}: ours, {unit}", statistics.median(ours))
    figures.record(f"{name}: theirs, {unit}", statistics.median(theirs))
    figures.record(f"{name}: ratio", statistics.median(ratios))
    print(
        f"{name}: {statistics.median(ours):.4g} {unit} against {statistics.median(theirs):.4g} {unit}; "
        f"ratio {statistics.median(ratios):.3f} (min {min(ratios):.3f}, max {max(ratios):.3f}, n={len(ratios)})",
        flush=True,
    )
