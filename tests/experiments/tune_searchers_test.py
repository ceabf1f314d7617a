"""Tuning searchers on an invented table."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

from experiments import tune_searchers
from nos_tf import searchers
from nos_tf.dsl import SearchSpace
from tests.table import miniature


@pytest.fixture
def table(monkeypatch):
    size = SearchSpace().size
    table = miniature.of_the_whole_space(np.arange(size), np.random.default_rng(0).random(size).astype(np.float32))
    monkeypatch.setattr("nos_tf.table.load", lambda name: table)
    monkeypatch.setattr(tune_searchers, "BUDGETS", (20, 40))
    return table


@pytest.mark.parametrize("name", tune_searchers.RANGES)
def test_draws_are_settings_of_the_searcher_within_its_ranges(name):
    first, *others = tune_searchers.draws(name, 50, seed=0)
    assert first == {}
    for one in others:
        searchers.settings(name, **one)
        for field, choices in tune_searchers.RANGES[name].items():
            assert one[field] in choices or choices[1] <= one[field] <= choices[2]
    assert len({str(one) for one in others}) > 30


def test_tuning_ends_with_few_settings_and_many_seeds_and_keeps_its_results(table, tmp_path):
    values = {"settings": 6, "seeds": 2, "seed": 0, "table": "invented"}
    with joblib.parallel_config(backend="threading"):
        found = tune_searchers._tune(tmp_path, "evolution", values)
        files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        assert tune_searchers._tune(tmp_path, "evolution", values) == found
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    # Six settings with two seeds, then the best two and the defaults with eight others.
    assert {one["seeds"] for one in found} == {8}
    assert {} in [one["settings"] for one in found]
    assert len(found) in (2, 3)
    assert [one["share"] for one in found] == sorted(one["share"] for one in found)
    (of_defaults,) = [one["share"] for one in found if not one["settings"]]
    for one in found:
        assert one.get("difference", 0.0) == pytest.approx(one["share"] - of_defaults)


def test_regret_is_that_of_the_chosen_rule(table, tmp_path):
    (regrets,) = [tune_searchers._search(tmp_path, "random", {}, range(3, 4), "invented")]
    space = SearchSpace()
    order = {program: number for number, program in enumerate(space.programs())}
    drawn = [order[program] for program in searchers.get("random", space, 3).propose(40)]
    best = [table.values[drawn[:count]].max() for count in (20, 40)]
    assert regrets[0] == pytest.approx(table.values.max() - best)
