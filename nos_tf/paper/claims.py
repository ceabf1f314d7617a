"""The paper's claims that one optimizer beats another, some by a stated margin, each checked separately.

A claim compares two optimizers within one run, or, if no single run has both, across runs with the same data and scale.
Within a run, the difference is paired over seeds, with its 95% interval; otherwise, the 95% intervals of both means
bound it. The status of a claim is the first of these that applies:

- *not run*: no such pair exists.
- *not comparable (smaller scale)*: one of the two is not at the paper's scale. The outcome is then reported as "at
  smaller scale".
- *not decided*: a seed diverged, a number is missing, something random has fewer than two seeds, or the paper gives no
  number.
- *holds*: both bounds of the difference are above 0, and its mean reaches the paper's margin to within half of the
  margin's last printed digit.
- *does not hold*: both bounds of the difference are below the paper's margin (below 0 if it states none).
- *not decided (intervals overlap)*: otherwise.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from nos_tf.common.statistics import Interval, paired_difference
from nos_tf.paper.cells import BEST_RULE, CONVNET, GNMT, IMAGENET, TABLE_1, Column
from nos_tf.paper.entry import Entry, RunEntries, best
from nos_tf.paper.naming import BASELINES
from nos_tf.paper.trust import Trust


class ClaimStatus(enum.Enum):
    """Outcome of checking a claim."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    NOT_DECIDED = "not decided"
    OVERLAP = "not decided (intervals overlap)"
    NOT_COMPARABLE = "not comparable (smaller scale)"
    NOT_RUN = "not run"


class Claim(NamedTuple):
    """One optimizer is better than another.

    Attributes:
      text: The claim in words.
      trust: How far its statement can be trusted.
      experiment: Name of the experiment that tests it.
      better: Name of the better optimizer in the paper's tables; if there are several, a run's best one counts.
      worse: Name of the worse optimizer.
      column: Metric to compare, with its unit.
      delta: Claimed margin in the column's unit; 0 if only the order is claimed; None if the paper gives no number.
      chosen_by: Metric that selects the best of several better optimizers.
    """

    text: str
    trust: Trust
    experiment: str
    better: tuple[str, ...]
    worse: str
    column: Column
    delta: float | None = 0.0
    chosen_by: str = "final_val_accuracy"


class ClaimResult(NamedTuple):
    """A claim checked on one pair of entries, or on none.

    Attributes:
      claim: The claim.
      status: Outcome of the check.
      pair: Entries of the claimed better and worse optimizers.
      lead: How far the first is ahead, in the column's unit, with its interval or bounds; None if unknown.
      at_smaller_scale: Outcome if scale is ignored; None if the scale matches the paper's or nothing was run.
    """

    claim: Claim
    status: ClaimStatus
    pair: tuple[Entry, Entry] | None = None
    lead: Interval | None = None
    at_smaller_scale: ClaimStatus | None = None


_PRINTED = {"sgd": "SGD", "momentum": "Momentum", "adam": "Adam", "rmsprop": "RMSProp"}
_TEST = next(column for column in TABLE_1.columns if column.metric == "final_test_accuracy")
_TOP1, _TOP5 = IMAGENET.columns
_PERPLEXITY, _BLEU = GNMT.columns
_FINAL_VALUE = Column("final_value", "final value", "", decimals=None, factor=1.0, higher_is_better=False)
_RULES = tuple(row.optimizer for row in TABLE_1.rows if row.optimizer not in BASELINES)
_POWERSIGN = ("powersign",)
_REWARD = Column("final_val_accuracy", "validation accuracy after five epochs")

CLAIMS = (
    *(
        # The searches rewarded rules in this way; which of their rules were above which baseline is not stated.
        Claim(
            f"The search's child: g * e^{{sign(g)sign(m)}}, found by it, is above {_PRINTED[name]}",
            Trust.RECOLLECTED,
            "paper_child",
            _POWERSIGN,
            name,
            _REWARD,
        )
        for name in ("momentum", "adam", "sgd", "rmsprop")
    ),
    *(
        Claim(
            f"ConvNet: the best rule is above {_PRINTED[name]}",
            Trust.OWN,
            "cifar10_convnet",
            (BEST_RULE,),
            name,
            CONVNET.columns[0],
        )
        for name in ("momentum", "adam", "sgd", "rmsprop")
    ),
    *(
        Claim(
            f"Wide ResNet: the best rule by validation is above {_PRINTED[name]} on test data",
            Trust.RECOLLECTED,
            "cifar10_wide_resnet",
            _RULES,
            name,
            _TEST,
        )
        for name in ("momentum", "adam", "sgd", "rmsprop")
    ),
    *(
        Claim(
            f"Rosenbrock: g * e^{{sign(g)sign(m)}} ends below {_PRINTED[name]}",
            Trust.RECOLLECTED,
            "rosenbrock",
            _POWERSIGN,
            name,
            _FINAL_VALUE,
        )
        for name in ("adam", "rmsprop", "sgd")
    ),
    Claim(
        "Rosenbrock: g * e^{sign(g)sign(m)} is close to Momentum (the paper gives no number)",
        Trust.RECOLLECTED,
        "rosenbrock",
        _POWERSIGN,
        "momentum",
        _FINAL_VALUE,
        delta=None,
    ),
    *(
        Claim(
            f"ImageNet: PowerSign-cd or AddSign-rd, up to +0.4 {column.heading} over RMSProp",
            Trust.OWN,
            "imagenet_mobile",
            ("powersign-cd", "addsign-rd10"),
            "rmsprop-nasnet",
            column,
            delta=0.4,
            chosen_by=column.metric,
        )
        for column in (_TOP1, _TOP5)
    ),
    Claim(
        "Translation: g * e^{sign(g)sign(m)}, up to +0.7 BLEU over Adam on validation data",
        Trust.OWN,
        "wmt14_gnmt",
        _POWERSIGN,
        "adam",
        _BLEU._replace(metric="final_val_bleu", heading="validation BLEU"),
        delta=0.7,
    ),
    Claim(
        "Translation: g * e^{sign(g)sign(m)}, +0.5 BLEU over Adam on test data",
        Trust.RECOLLECTED,
        "wmt14_gnmt",
        _POWERSIGN,
        "adam",
        _BLEU,
        delta=0.5,
    ),
    Claim(
        "Translation: g * e^{sign(g)sign(m)} has a lower training perplexity than Adam",
        Trust.RECOLLECTED,
        "wmt14_gnmt",
        _POWERSIGN,
        "adam",
        _PERPLEXITY,
    ),
)


def compare_with_runs(claim: Claim, runs: Sequence[RunEntries]) -> list[ClaimResult]:
    """Checks a claim on each pair of entries; returns one result without a pair if there is none."""
    results = [_result(claim, better, worse) for better, worse in _pairs(claim, runs)]
    return results or [ClaimResult(claim, ClaimStatus.NOT_RUN)]


def _pairs(claim: Claim, runs: Sequence[RunEntries]) -> list[tuple[Entry, Entry]]:
    pairs: list[tuple[Entry, Entry]] = []
    candidates: list[tuple[list[Entry], list[Entry]]] = []
    for run in runs:
        if run.run.experiment == claim.experiment:
            better = [entry for name in claim.better for entry in run.of(name)]
            candidates.append((better, run.of(claim.worse)))
            pairs += itertools.product(_best(claim, better), candidates[-1][1])
    # Runs without a baseline of their own are compared with baselines of similar runs.
    alone = [entry for better, worse in candidates if not worse for entry in better]
    for _, group in itertools.groupby(sorted(alone, key=_kind), _kind):
        first, *others = group
        alike = [entry for _, worse in candidates for entry in worse if _kind(entry) == _kind(first)]
        pairs += itertools.product(_best(claim, [first, *others]), alike)
    return pairs


def _best(claim: Claim, candidates: list[Entry]) -> list[Entry]:
    one_optimizer = len(claim.better) == 1 and claim.better != (BEST_RULE,)
    return candidates if one_optimizer else best(candidates, claim.chosen_by)


def _kind(entry: Entry) -> tuple[str, str, str]:
    return entry.run.dataset, entry.run.function or "", entry.run.scale_text


def _result(claim: Claim, better: Entry, worse: Entry) -> ClaimResult:
    lead = _lead(claim.column, better, worse)
    status = _status(claim, lead)
    if better.obstacles or worse.obstacles:
        return ClaimResult(claim, ClaimStatus.NOT_COMPARABLE, (better, worse), lead, status)
    return ClaimResult(claim, status, (better, worse), lead)


def _lead(column: Column, better: Entry, worse: Entry) -> Interval | None:
    first, second = better.interval(column.metric), worse.interval(column.metric)
    if first is None or second is None:
        return None
    sign = column.factor if column.higher_is_better else -column.factor
    half_width = None
    if better.number == worse.number and len(better.seeds) > 1 and better.seeds == worse.seeds:
        half_width = paired_difference(better.values(column.metric), worse.values(column.metric)).half_width
    elif first.half_width is not None and second.half_width is not None:
        half_width = first.half_width + second.half_width
    return Interval((first.mean - second.mean) * sign, None if half_width is None else half_width * column.factor)


def _status(claim: Claim, lead: Interval | None) -> ClaimStatus:
    if lead is None or lead.half_width is None or claim.delta is None:
        return ClaimStatus.NOT_DECIDED
    needed = claim.delta - claim.column.tolerance if claim.delta else 0.0
    if lead.mean - lead.half_width > 0 and lead.mean >= needed - 1e-9:
        return ClaimStatus.HOLDS
    if lead.mean + lead.half_width < needed:
        return ClaimStatus.DOES_NOT_HOLD
    return ClaimStatus.OVERLAP
