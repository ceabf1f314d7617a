import numpy as np
import pytest
import scipy.stats

import nos_tf
from nos_tf.search import verdicts
from nos_tf.search.verdicts import BETTER, UNDECIDED, WORSE, Comparison

RULES = [nos_tf.parse("g * m"), nos_tf.parse("exp(g) * m")]
BASELINES = [nos_tf.parse("g"), nos_tf.parse("adam")]


def rewards(*means: float, seeds: int = 20) -> dict:
    """Returns rewards of rules and baselines, which a seed shifts together by far more than they differ."""
    rng = np.random.default_rng(0)
    common = rng.normal(0.0, 0.1, seeds)
    return {
        program: dict(enumerate((mean + common + rng.normal(0.0, 0.004, seeds)).tolist()))
        for program, mean in zip([*RULES, *BASELINES], means, strict=True)
    }


def test_p_values_are_those_of_scipy_corrected_by_hand() -> None:
    given = rewards(0.502, 0.501, 0.5, 0.4995)
    found = verdicts.compare(RULES, BASELINES, given)
    raw = {
        (rule, baseline): scipy.stats.ttest_rel(list(given[rule].values()), list(given[baseline].values())).pvalue
        for rule in RULES
        for baseline in BASELINES
    }
    largest = 0.0
    for left, pair in zip((4, 3, 2, 1), sorted(raw, key=lambda pair: raw[pair]), strict=True):
        largest = max(largest, min(1.0, 2 * raw[pair] * left))  # Two looks, times the number of remaining tests.
        assert found[pair].p == pytest.approx(largest)
        assert found[pair].seeds == 20
    assert largest > 0.001


def test_pairing_detects_differences_hidden_by_the_seeds() -> None:
    given = rewards(0.51, 0.49, 0.5, 0.5)
    unpaired = scipy.stats.ttest_ind(list(given[RULES[0]].values()), list(given[BASELINES[0]].values()))
    assert unpaired.pvalue > 0.5
    found = verdicts.compare(RULES, BASELINES, given)
    assert {found[RULES[0], one].verdict for one in BASELINES} == {BETTER}
    assert {found[RULES[1], one].verdict for one in BASELINES} == {WORSE}


def test_only_common_seeds_count() -> None:
    given = rewards(0.51, 0.49, 0.5, 0.5)
    given[BASELINES[0]] = {seed: reward for seed, reward in given[BASELINES[0]].items() if seed < 5} | {77: 0.9}
    given[BASELINES[1]] = {99: 0.5}
    found = verdicts.compare(RULES, BASELINES, given)
    assert found.keys() == {(rule, BASELINES[0]) for rule in RULES}
    assert found[RULES[0], BASELINES[0]].seeds == 5


def test_a_rule_is_not_compared_with_itself() -> None:
    assert list(verdicts.compare(BASELINES, BASELINES[:1], rewards(1, 1, 1, 1))) == [(BASELINES[1], BASELINES[0])]


@pytest.mark.parametrize(
    ("single", "expected"),
    [
        ([BETTER, BETTER], BETTER),
        ([BETTER, UNDECIDED], UNDECIDED),
        ([BETTER, WORSE], WORSE),
        ([UNDECIDED, WORSE], WORSE),
        ([], UNDECIDED),
    ],
)
def test_overall_verdict(single: list[str], expected: str) -> None:
    assert verdicts.overall([Comparison(0.0, 0.0, 1.0, 20, verdict) for verdict in single]) == expected


def test_false_claims_are_as_rare_as_the_significance_level() -> None:
    """Tests rules that are no better than the baselines, with a second look if the first is undecided."""
    rng = np.random.default_rng(1)
    claims = 0
    for _ in range(300):
        all_seeds = {program: dict(enumerate(rng.normal(size=40).tolist())) for program in (*RULES, *BASELINES)}
        first = {program: dict(list(found.items())[:20]) for program, found in all_seeds.items()}
        looks = [verdicts.compare(RULES, BASELINES, given) for given in (first, all_seeds)]
        claims += any(pair.verdict != UNDECIDED for look in looks for pair in look.values())
    assert claims / 300 < 0.07


def test_verdicts_change_at_the_level_of_five_percent() -> None:
    assert [verdicts._verdict(difference, 0.049) for difference in (0.1, -0.1)] == [BETTER, WORSE]
    assert [verdicts._verdict(difference, 0.05) for difference in (0.1, -0.1)] == [UNDECIDED, UNDECIDED]
