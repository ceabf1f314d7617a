"""Findings from a table, against counts by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.describe_table import findings
from nos_tf.dsl import SearchSpace
from nos_tf.table import Table
from tests.table import miniature


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(miniature.content())


def test_shares_of_words_are_those_of_the_rules(table: Table) -> None:
    shares = {one.word: one for one in findings.words(table, best=2)}
    # The trained rules are g, m, adam, sign(g) * m and rmsprop; the best two are rmsprop and adam.
    assert (shares["adam"].all, shares["adam"].best) == (pytest.approx(1 / 5), 0.5)
    assert (shares["m"].all, shares["m"].best) == (pytest.approx(2 / 5), 0.0)
    assert shares["exp"].all == 0.0
    assert findings.words(table, best=2)[0].best == 1.0  # The function used to write single operands.


def test_named_optimizers_are_in_order_of_their_values(table: Table) -> None:
    assert list(findings.named(table).items()) == [
        ("RMSProp", pytest.approx(0.85)), ("Adam", pytest.approx(0.84)), ("Momentum", pytest.approx(0.81)),
        ("SGD", pytest.approx(0.80)),
    ]  # fmt: skip


def test_leads_are_tested_over_seeds_and_on_test_data() -> None:
    rng = np.random.default_rng(0)
    common, noise = 0.8 + 0.1 * rng.normal(size=9), rng.normal(size=9)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    # With eight degrees of freedom, t is 2.45 and 2.6: each p-value is below 0.05, but twice the smaller one is not.
    best = {
        "rmsprop": common,
        "adam": common + 0.01 * (noise + 2.45 / 3),
        "sign(g) * m": common - 0.01 * noise + 0.026 / 3,
    }
    content = miniature.content()
    rules = [miniature.RULES[number][0] for number in content.best]
    fine = np.array([[np.zeros(9), best[rule]] for rule in rules], np.float32)
    table = Table(dataclasses.replace(content, fine_rewards=fine))
    numbers = np.array([table.number("adam"), table.number("sign(g) * m")])
    found = findings.ahead(table, "rmsprop", numbers)
    assert (found.significant, found.corrected) == (2, 0)
    likelihoods = dict(zip(rules, content.test[:, 0], strict=True))
    assert found.on_test == sum(likelihoods[rule] > likelihoods["rmsprop"] for rule in ("adam", "sign(g) * m")) == 1
    one = findings.ahead(table, "rmsprop", numbers[:1])
    assert (one.significant, one.corrected) == (1, 1)


def test_every_spelling_is_found_by_its_tokens() -> None:
    space, rng = SearchSpace(), np.random.default_rng(0)
    table = miniature.of_the_whole_space(np.arange(space.size), rng.random(space.size).astype(np.float32))
    values = findings.by_spelling(table)
    for number, program in enumerate(space.programs()):
        if number % 9973 == 0:
            assert values[tuple(space.encode(program))] == table.values[number]


def test_sweep_is_sorted_and_omits_rates_that_were_given_up(table: Table) -> None:
    content = dataclasses.replace(
        table.content,
        sweep_ends=np.array([1, 5, 6, 6, 6, 6, 6], np.int32),
        sweep_rate=np.array([9.0, 0.1, 1.0, 0.01, 0.3, 7.0], np.float32),
        sweep_score=np.array([0.9, 0.5, np.nan, 0.2, 0.6, 0.7], np.float32),
    )
    rates, scores = findings.sweep(Table(content), 1)
    assert rates.tolist() == pytest.approx([0.01, 0.1, 0.3])
    assert scores.tolist() == pytest.approx([0.2, 0.5, 0.6])
    assert findings.sweep(Table(content), 0)[0].tolist() == [9.0]
