"""The verdict on known results, against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.discover import report, verdict
from experiments.discover.frozen import Finalist
from nos_tf import parse
from nos_tf.common.leaderboard import BETTER, UNDECIDED, WORSE
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.tasks import suite

RULE, OTHER = parse("g * m"), parse("sign(g) * m")
SGD, ADAM = parse("g"), parse("adam")
NOTHING = dict.fromkeys(suite.HELD_OUT, 0.1)
SEEDS = range(10)


def judged(*means):
    """Returns results by task and rule, in which a seed shifts all rules together much more than individually."""
    rng = np.random.default_rng(0)
    found = {}
    for task, row in zip(suite.HELD_OUT, zip(*means, strict=True), strict=True):
        common = rng.normal(0.0, 0.02, 10)
        found[task] = {
            program: {
                seed: Evaluation(float(mean + common[seed] + rng.normal(0.0, 0.001)), TRAINED, 0.1) for seed in SEEDS
            }
            for program, mean in zip((RULE, OTHER, SGD, ADAM), row, strict=True)
        }
    return found


def stand(*means):
    found = verdict.standings(judged(*means), [RULE, OTHER], [SGD, ADAM], NOTHING)
    return {one.program: one for one in found}


def test_scores_are_relative_to_the_best_baseline_of_each_task():
    found = stand([0.5] * 5, [0.3] * 5, [0.5, 0.6, 0.5, 0.5, 0.5], [0.6, 0.5, 0.4, 0.5, 0.5])
    best = suite.HELD_OUT[0]
    assert found[ADAM].scores[best] == pytest.approx(1.0)
    assert found[SGD].scores[best] == pytest.approx((0.5 - 0.1) / (0.6 - 0.1), abs=0.02)
    assert found[OTHER].scores[best] == pytest.approx((0.3 - 0.1) / (0.6 - 0.1), abs=0.02)


def test_a_score_leaves_the_best_task_out():
    found = stand([0.5, 0.5, 0.5, 0.5, 0.9], [0.3] * 5, [0.5] * 5, [0.5] * 5)
    assert found[RULE].score.mean == pytest.approx(1.0, abs=0.01)
    assert found[RULE].verdict != BETTER  # A single task cannot decide, however good the result on it.


def test_better_everywhere_is_better():
    found = stand([0.55] * 5, [0.45] * 5, [0.5] * 5, [0.49] * 5)
    assert found[RULE].verdict == BETTER
    assert found[OTHER].verdict == WORSE
    assert found[SGD].verdict is None
    assert found[RULE].against[SGD].difference == pytest.approx(0.05 / 0.4, abs=0.02)
    assert list(found) == [RULE, SGD, ADAM, OTHER]


def test_clearly_worse_on_one_task_is_not_better():
    found = stand([0.6, 0.6, 0.6, 0.6, 0.49], [0.45] * 5, [0.5] * 5, [0.5] * 5)
    assert {pair.verdict for pair in found[RULE].against.values()} == {BETTER}
    assert found[RULE].on_tasks[suite.HELD_OUT[4]].verdict == WORSE
    assert found[RULE].verdict == UNDECIDED


def test_p_values_are_corrected_for_all_comparisons():
    import scipy.stats

    results = judged([0.503] * 5, [0.501] * 5, [0.5] * 5, [0.49] * 5)
    found = {one.program: one for one in verdict.standings(results, [RULE, OTHER], [SGD, ADAM], NOTHING)}
    best = {t: max(np.mean([e.reward for e in results[t][p].values()]) for p in (SGD, ADAM)) for t in results}

    def over_tasks(program):
        return [
            np.mean(sorted((results[t][program][seed].reward - 0.1) / (best[t] - 0.1) for t in results)[:-1])
            for seed in SEEDS
        ]

    raw = {
        (rule, other): scipy.stats.ttest_rel(over_tasks(rule), over_tasks(other)).pvalue
        for rule in (RULE, OTHER)
        for other in (SGD, ADAM)
    }
    largest = 0.0
    for left, (rule, other) in zip((4, 3, 2, 1), sorted(raw, key=lambda pair: raw[pair]), strict=True):
        largest = max(largest, min(1.0, left * raw[rule, other]))
        assert found[rule].against[other].p == pytest.approx(largest)


def test_sentences_name_the_winner_or_say_that_there_is_none():
    nobody = verdict.standings(judged([0.5] * 5, [0.5] * 5, [0.5] * 5, [0.49] * 5), [], [SGD, ADAM], NOTHING)
    assert report.sentences(nobody)[1].startswith("There are no finalists")
    finalists = [Finalist(RULE, "evolution, 1 group", 1.0), Finalist(OTHER, "random, 1 group", 0.9)]
    better = list(stand([0.55] * 5, [0.45] * 5, [0.5] * 5, [0.49] * 5).values())
    assert report.sentences(better)[1].startswith("g * m beats every tuned baseline: +0.1")
    none = list(stand([0.502, 0.48, 0.5, 0.5, 0.5], [0.45] * 5, [0.5] * 5, [0.49] * 5).values())
    text = report.sentences(none)[1]
    assert text.startswith("No finalist beats every tuned baseline. The closest one, g * m, is ")
    assert "; clearly worse on wine_softmax." in text
    table = report.table(none, finalists)
    assert "| evolution, 1 group |" in table
    assert len(table.splitlines()) == 2 + 4
