"""The paper's rules on its child network: which rules, which protocol, and the table of known results."""

from __future__ import annotations

import numpy as np
import pytest

import nos_tf
from experiments import paper_child
from nos_tf.evaluation.protocol import DECADES
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.optimizers.sign_family import SIGN_DECAYS


def test_rules_are_those_of_the_table_and_both_families():
    assert len(paper_child.RULES) == 4 + 16 + 3 + 4
    assert len({nos_tf.canonical_key(nos_tf.parse(text)) for text in paper_child.RULES.values()}) == 27
    assert set(paper_child.BASELINES) <= paper_child.RULES.keys()
    for family in ("powersign", "addsign"):
        assert {f"{family}-{decay}" for decay in SIGN_DECAYS if decay != "rd20"} <= paper_child.RULES.keys()


def test_the_paper_protocol_is_that_of_the_paper():
    protocol = paper_child.PROTOCOLS["paper"]
    assert protocol.learning_rates == DECADES
    assert (protocol.epochs, protocol.sweep_epochs, protocol.finalists) == (5, 1, 1)
    assert (protocol.extensions, protocol.refinements, protocol.hurdle) == (0, 0, 0.0)
    assert protocol.reward == "final_accuracy"


def results(**means: float) -> paper_child.Results:
    """Returns results for five seeds, which shift all rules together, and each a little individually."""
    rng = np.random.default_rng(0)
    common = rng.normal(0.0, 0.05, 5)
    return {
        name.replace("_", "-"): [
            Evaluation(reward, TRAINED, 0.1, accuracy=reward) for reward in mean + common + rng.normal(0.0, 0.001, 5)
        ]
        for name, mean in means.items()
    }


RESULTS = results(sgd=0.5, momentum=0.52, adam=0.55, rmsprop=0.5, powersign=0.6, addsign=0.53)


def test_a_rule_is_compared_with_every_baseline_in_pairs():
    compared = paper_child.compare(RESULTS)
    assert {name for name, pairs in compared.items() if pairs} == {"powersign", "addsign"}
    pair = compared["powersign"]["adam"]
    assert pair.difference == pytest.approx(0.05, abs=0.003)
    assert pair.half_width < 0.005  # The variation of 0.05 between seeds is common to both.
    assert pair.verdict == "better"
    assert compared["addsign"]["adam"].verdict == "worse"


def test_the_report_names_the_rules_that_beat_all_baselines():
    text = paper_child.report(
        "toys", 5, {"paper": RESULTS, "fair": results(sgd=0.5, momentum=0.5, adam=0.5, rmsprop=0.5)}
    )
    first, second = text.split("## Finely tuned rates")
    assert "Above all four baselines: powersign; after correction: powersign. The best baseline is adam." in first
    assert "Above all four baselines: no rule" in second
    rows = [line.split(" | ") for line in first.splitlines() if line.startswith("| ")]
    assert [row[0].lstrip("| ") for row in rows[2:4]] == ["powersign", "adam"]
    assert next(row for row in rows if "addsign" in row[0])[5] == "sgd, momentum, rmsprop"
