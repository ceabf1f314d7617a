"""Statistics of searchers over hundreds of searches on a table, compared with random search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nos_tf.common.statistics import holm, mean_interval, paired_difference
from nos_tf.common.text import difference

HEADER = (
    "searcher",
    "rules",
    "regret",
    "in the best 0.1%",
    "regret minus random search's (Holm)",
    "random rules for the same regret",
)
_TOP = 0.001


def summary(
    regrets: Mapping[str, np.ndarray],
    ranks: Mapping[str, np.ndarray],
    at: np.ndarray,
    budgets: Sequence[int],
    rules: int,
) -> dict[str, Any]:
    """Summarizes each searcher at each budget.

    Args:
      regrets: Regrets by searcher, including "random", of shape `[seeds, checkpoints]`.
      ranks: Ranks of the selected rules, with the same keys and shape.
      at: Number of evaluated rules at each checkpoint, including the budgets.
      budgets: Numbers of rules to report.
      rules: Number of distinct rules in the table.

    Returns:
      A dictionary whose "searchers" holds one dictionary for each searcher and budget.
    """
    places = {budget: int(np.searchsorted(at, budget)) for budget in budgets}
    entries = [
        _entry(name, budget, regrets, ranks, at, place, rules) for name in regrets for budget, place in places.items()
    ]
    correct(entries)
    return {"searchers": entries}


def _entry(
    name: str,
    budget: int,
    regrets: Mapping[str, np.ndarray],
    ranks: Mapping[str, np.ndarray],
    at: np.ndarray,
    place: int,
    rules: int,
) -> dict[str, Any]:
    mean, half_width = mean_interval(regrets[name][:, place].tolist())
    entry = {
        "searcher": name,
        "rules": budget,
        "regret": mean,
        "half_width": half_width,
        "in_top": float(np.mean(ranks[name][:, place] <= _TOP * rules)),
    }
    if name == "random":
        return entry
    pair = paired_difference(regrets[name][:, place].tolist(), regrets["random"][:, place].tolist())
    return entry | {
        "difference": pair.mean,
        "difference_half_width": pair.half_width,
        "p": pair.p,
        "random_rules": rules_for(mean, at, regrets["random"].mean(axis=0)),
        "random_rules_at_most": int(at[-1]),
    }


def rules_for(regret: float, at: np.ndarray, regrets: np.ndarray) -> float | None:
    """Number of rules at which a searcher's mean regret falls to a given one, interpolated on a logarithmic scale.

    Args:
      regret: The regret.
      at: Number of evaluated rules at each checkpoint.
      regrets: Mean regret at each checkpoint.

    Returns:
      The number, or None if the regret remains higher.
    """
    reached = np.flatnonzero(regrets <= regret)
    if not len(reached):
        return None
    place = int(reached[0])
    if place == 0:
        return float(at[0])
    share = (regrets[place - 1] - regret) / (regrets[place - 1] - regrets[place])
    return float(at[place - 1] * (at[place] / at[place - 1]) ** share)


def reported(budgets: Sequence[int], trials: int) -> list[int]:
    """The budgets below the number of trials, and the latter."""
    return [*(budget for budget in budgets if budget < trials), trials]


def correct(entries: Sequence[dict[str, Any]]) -> None:
    """Replaces the p-values of entries that have one by Holm-corrected ones."""
    compared = [one for one in entries if "p" in one]
    for one, p in zip(compared, holm([one["p"] for one in compared]), strict=True):
        one["p"] = p


def rows(results: Mapping[str, Any]) -> list[list[str]]:
    """Rows of a table with the columns of `HEADER`."""
    return [_row(one) for one in results["searchers"]]


def _row(one: Mapping[str, Any]) -> list[str]:
    cells = [
        one["searcher"],
        f"{one['rules']:,}",
        f"{one['regret']:.4f} ± {one['half_width']:.4f}",
        f"{one['in_top']:.1%}",
    ]
    if "difference" not in one:
        return [*cells, "", ""]
    worth = one["random_rules"]
    return [
        *cells,
        difference(one["difference"], one["difference_half_width"], one["p"]),
        f"more than {one['random_rules_at_most']:,}" if worth is None else f"{float(f'{worth:.2g}'):,.0f}",
    ]
