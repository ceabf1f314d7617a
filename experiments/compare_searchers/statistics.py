"""Statistics of searchers over hundreds of searches on a table, compared with random search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.compare_searchers.lookup import Curve
from nos_tf.common.statistics import holm, mean_interval, paired_difference
from nos_tf.common.text import difference

HEADER = (
    "searcher",
    "rules",
    "regret",
    "in the best 0.1%",
    "regret minus random search's (Holm)",
    "random rules for the same regret",
    "random rules of the same training steps",
    "test likelihood",
)
_TOP = 0.001


def summary(curves: Mapping[str, Curve], at: np.ndarray, budgets: Sequence[int], rules: int) -> dict[str, Any]:
    """Summarizes each searcher at each budget.

    Args:
      curves: All searches of each searcher, including "random", as arrays.
      at: Number of evaluated rules at each checkpoint, including the budgets.
      budgets: Numbers of rules to report.
      rules: Number of distinct rules in the table.

    Returns:
      A dictionary whose "searchers" holds one dictionary for each searcher and budget.
    """
    places = {budget: int(np.searchsorted(at, budget)) for budget in budgets}
    entries = [_entry(name, budget, curves, at, place, rules) for name in curves for budget, place in places.items()]
    correct(entries)
    return {"searchers": entries}


def _entry(
    name: str, budget: int, curves: Mapping[str, Curve], at: np.ndarray, place: int, rules: int
) -> dict[str, Any]:
    own, random = curves[name], curves["random"]
    mean, half_width = mean_interval(own.regret[:, place].tolist())
    likelihoods = own.likelihood[:, place]
    known = np.isfinite(likelihoods)
    steps = float(own.steps[:, place].mean())
    entry = {
        "searcher": name,
        "rules": budget,
        "regret": mean,
        "half_width": half_width,
        "in_top": float(np.mean(own.rank[:, place] <= _TOP * rules)),
        "test_likelihood": float(likelihoods[known].mean()) if known.any() else None,
        "tested": float(known.mean()),
        "steps": steps,
    }
    if name == "random":
        return entry
    pair = paired_difference(own.regret[:, place].tolist(), random.regret[:, place].tolist())
    return entry | {
        "difference": pair.mean,
        "difference_half_width": pair.half_width,
        "p": pair.p,
        "random_rules": rules_for(mean, at, random.regret.mean(axis=0)),
        "random_rules_of_same_steps": rules_for(-steps, at, -random.steps.mean(axis=0)),
        "random_rules_at_most": int(at[-1]),
    }


def rules_for(value: float, at: np.ndarray, values: np.ndarray) -> float | None:
    """Number of rules at which a curve falls to a value, interpolated on a logarithmic scale.

    Args:
      value: The value, such as a mean regret.
      at: Number of evaluated rules at each checkpoint.
      values: The curve at each checkpoint.

    Returns:
      The number, or None if the curve remains higher.
    """
    reached = np.flatnonzero(values <= value)
    if not len(reached):
        return None
    place = int(reached[0])
    if place == 0:
        return float(at[0])
    share = (values[place - 1] - value) / (values[place - 1] - values[place])
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
    tested = "" if one["test_likelihood"] is None else f"{one['test_likelihood']:.4f}"
    if "difference" not in one:
        return [*cells, "", "", "", tested]
    most = one["random_rules_at_most"]
    worth, cost = (
        f"more than {most:,}" if rules is None else f"{float(f'{rules:.2g}'):,.0f}"
        for rules in (one["random_rules"], one["random_rules_of_same_steps"])
    )
    compared = difference(one["difference"], one["difference_half_width"], one["p"])
    return [*cells, compared, worth, cost, tested]
