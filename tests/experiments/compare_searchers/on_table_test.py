"""Searchers on an invented table of all one-group rules, whose optimum is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.special
import scipy.stats

from experiments.compare_searchers import lookup, on_table, paper, statistics
from nos_tf.dsl import SearchSpace, parse
from nos_tf.searchers import get
from tests.table import miniature

SPACE = SearchSpace()
GROUPED = 3  # Number of neighbors in the space that form a class.


@pytest.fixture(scope="module")
def table():
    rewards = np.random.default_rng(0).permutation(SPACE.size // GROUPED) / SPACE.size
    return miniature.of_the_whole_space(np.arange(SPACE.size) // GROUPED, rewards.astype(np.float32))


def test_a_search_evaluates_each_class_once_in_the_order_of_the_proposals(table):
    every = {program: number // GROUPED for number, program in enumerate(SPACE.programs())}
    numbers = [every[program] for program in get("random", SPACE, 3).propose(9_000)]
    assert len(set(numbers)) < len(numbers)
    found = lookup.search("random", 3, 8_000, table)
    assert found.tolist() == list(dict.fromkeys(numbers))[:8_000]


def test_a_searcher_is_told_rewards_and_repeats(table, monkeypatch):
    rounds = iter([["g * g", "g * m", "g * g"], ["g * m", "m * v", "v * v"]])
    made, heard, numbers = [], [], []

    class Told:
        def propose(self, count):
            programs = [parse(text) for text in next(rounds)]
            assert len(programs) == count
            numbers.append([int(table.classes[tuple(SPACE.encode(program))]) for program in programs])
            return programs

        def observe(self, programs, rewards, repeats):
            heard.append((rewards, repeats))

    def get(*arguments, **settings):
        made.append((arguments, settings))
        return Told()

    monkeypatch.setattr(lookup.searchers, "get", get)
    monkeypatch.setattr(table, "values", table.values[::-1])  # Known from further seeds; not for the searcher.
    found = lookup.search("ppo", 3, 4, table, batch_size=3, units=5)
    assert made == [(("ppo", lookup.SPACE, 3), {"units": 5})]
    assert heard == [
        (table.content.reward[numbers[0]].tolist(), [False, False, True]),
        (table.content.reward[numbers[1]].tolist(), [True, False, False]),
    ]
    assert found.tolist() == list(dict.fromkeys(numbers[0] + numbers[1]))


def test_searchers_as_in_the_paper_have_its_settings(table, monkeypatch):
    asked = []
    monkeypatch.setattr(on_table, "search", lambda *arguments, **settings: asked.append((arguments, settings)))
    on_table._search("ppo_paper", 3, 50, table)
    on_table._search("ppo", 3, 50, table)
    assert asked == [(("ppo", 3, 50, table, paper.BATCH_SIZE), paper.SETTINGS["ppo"]), (("ppo", 3, 50, table), {})]


def test_the_rule_with_the_highest_value_among_those_with_the_highest_rewards_is_selected(monkeypatch):
    rewards = np.array([0.2, 0.5, 0.1, 0.6, 0.9], np.float32)
    table = miniature.of_the_whole_space(np.zeros(SPACE.size, int), rewards)
    monkeypatch.setattr(lookup, "RACERS", 2)
    monkeypatch.setattr(table, "values", np.array([0.2, 0.55, 0.8, 0.5, 0.3]))  # The last one was lucky.
    content = dataclasses.replace(table.content, best=np.array([3, 1]), test=np.array([[0.7, 0, 0, 0], [0.6, 0, 0, 0]]))
    monkeypatch.setattr(table, "content", content)
    found = lookup.curve(np.array([2, 0, 1, 3, 4]), np.array([1, 2, 3, 4, 5, 9]), table)
    # In the race: 2; 0 and 2; 0 and 1; 1 and 3; 3 and 4.
    assert found.regret == pytest.approx([0.0, 0.0, 0.25, 0.25, 0.3, 0.3])
    assert found.likelihood == [None, None, 0.6, 0.6, 0.7, 0.7]
    assert found.steps == [2, 2, 3, 6, 10, 10]  # Rule n takes n steps.


def test_regret_of_random_search_is_that_of_the_best_of_n(table):
    ordered, places = np.sort(table.values), np.arange(len(table))
    at = np.array([10, 100, 1000])
    curves = [lookup.curve(lookup.search("random", seed, 1000, table), at, table) for seed in range(60)]
    regrets, ranks = (np.array([getattr(one, field) for one in curves]) for field in ("regret", "rank"))
    for column, count in enumerate(at):
        # The best of n distinct rules is the one in place k with probability C(k, n - 1) / C(N, n).
        share = np.exp(_log_choose(places, count - 1) - _log_choose(len(table), count))
        wanted = table.values.max() - share @ ordered
        assert abs(regrets[:, column].mean() - wanted) < 4 * scipy.stats.sem(regrets[:, column])
    np.testing.assert_allclose(regrets, table.values.max() - np.sort(table.values)[::-1][ranks - 1])


def _log_choose(n, k):
    gammaln = scipy.special.gammaln
    return np.where(n >= k, gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1), -np.inf)


def test_a_search_that_has_ended_keeps_its_last_choice(table):
    found = np.argsort(table.values)[-3:]
    curve = lookup.curve(found, np.array([1, 3, 50]), table)
    assert curve.rank == [3, 1, 1]
    assert curve.regret[1:] == [0.0, 0.0]


def test_a_budget_is_reported_once():
    assert statistics.reported((100, 300, 1_000), 300) == [100, 300]
    assert statistics.reported((100, 300, 1_000), 400) == [100, 300, 400]


def test_summary_of_seeds():
    regrets = {
        "random": np.array([[0.4, 0.3, 0.1], [0.6, 0.3, 0.1]]),
        "ppo": np.array([[0.3, 0.2, 0.2], [0.3, 0.1, 0.1]]),
    }
    ranks = {"random": np.array([[9, 5, 2], [9, 5, 2]]), "ppo": np.array([[9, 1, 1], [9, 2, 1]])}
    steps = {"random": np.array([[8, 60, 100], [12, 40, 100]]), "ppo": np.array([[20, 75, 99], [30, 75, 99]])}
    tested = np.array([[np.nan, 0.5, 0.5], [np.nan, np.nan, 0.7]])
    curves = {name: lookup.Curve(regrets[name], ranks[name], tested, steps[name]) for name in regrets}
    found = statistics.summary(curves, np.array([10, 50, 100]), [10, 50], rules=1_000)["searchers"]
    assert [(one["searcher"], one["rules"]) for one in found] == [
        ("random", 10), ("random", 50), ("ppo", 10), ("ppo", 50),
    ]  # fmt: skip
    ppo_10, ppo_50 = found[2:]
    assert (ppo_10["regret"], ppo_10["half_width"], ppo_10["random_rules"]) == (
        pytest.approx(0.3),
        0.0,
        pytest.approx(50),
    )
    assert ppo_50["difference"] == pytest.approx(-0.15)
    assert ppo_50["in_top"] == 0.5
    assert [one["steps"] for one in found] == [10, 50, 25, 75]
    # Random search takes 10, 50 and 100 steps.
    assert ppo_10["random_rules_of_same_steps"] == pytest.approx(10 * 5 ** (15 / 40))
    assert ppo_50["random_rules_of_same_steps"] == pytest.approx(50 * 2**0.5)
    assert [one["test_likelihood"] for one in found] == [None, 0.5, None, 0.5]
    assert [one["tested"] for one in found] == [0.0, 0.5, 0.0, 0.5]
    assert ppo_50["random_rules"] == pytest.approx(50 * 2**0.75)  # From 0.3 at 50 to 0.1 at 100 rules.
    # Differences of -0.1 and -0.3 give t = -2, those of -0.1 and -0.2 t = -3, with one degree of freedom each. Holm
    # doubles the smaller p-value, and raises the larger one to it.
    assert [ppo_10["p"], ppo_50["p"]] == pytest.approx([4 * scipy.stats.t.sf(3.0, 1)] * 2)
    assert [len(row) for row in statistics.rows({"searchers": found})] == [len(statistics.HEADER)] * 4
