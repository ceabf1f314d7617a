"""The table of the digits in the package."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

import nos_tf
from nos_tf.dsl import SearchSpace
from nos_tf.evaluation.result import DIVERGED, SCREENED, TRAINED, UNTRAINED
from nos_tf.table import Table, file, load
from tests.docs_test import ROOT

SPACE = SearchSpace()


@pytest.fixture(scope="module")
def table() -> Table:
    return load("digits")


def test_every_rule_of_the_space_is_found_by_any_spelling(table: Table) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        program = SPACE.sample(rng)
        number = int(table.classes[tuple(SPACE.encode(program))])
        assert table.number(program) == table.number(str(program)) == number
        assert table.query(program).reward == pytest.approx(float(table.content.reward[number]))


def test_all_tried_rates_are_kept(table: Table) -> None:
    content = table.content
    rates = np.diff(content.sweep_ends, prepend=0)
    statuses = np.array(content.facts["statuses"])[content.status]
    assert set(np.unique(statuses)) == {TRAINED, UNTRAINED, DIVERGED, SCREENED}
    assert rates[statuses != SCREENED].min() >= 7  # At least all decades.
    assert rates[statuses == SCREENED].max() == 0
    assert len(content.sweep_rate) == len(content.sweep_score) == content.sweep_ends[-1]


def test_failures_have_their_reasons(table: Table) -> None:
    reasons = np.array(table.content.facts["reasons"])[table.content.reason]
    failed = np.isin(table.content.status, [table.content.facts["statuses"].index(one) for one in (DIVERGED, SCREENED)])
    assert np.all((reasons != "") == failed)


def test_the_best_and_the_named_rules_were_trained_with_more_seeds(table: Table) -> None:
    content = table.content
    best = content.best[:2_000]
    assert np.delete(content.reward, best).max() <= content.reward[best].min()
    assert content.best_rewards.shape == (len(content.best), 5)
    assert content.fine_rewards.shape == (len(content.best), 3, 5)
    for rule in ("g", "m", "adam", "rmsprop"):
        assert table.number(rule) in content.best
    means = content.best_rewards[:, 1:].mean(axis=1), content.fine_rewards.mean(axis=2).max(axis=1)
    assert np.corrcoef(*means)[0, 1] > 0.9
    assert len(content.second) == len(np.unique(content.second)) == 4_000


@pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")
def test_data_sheet_has_the_hash_of_the_file(table: Table) -> None:
    path = file("digits")
    assert path.stat().st_size <= 10e6
    assert f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`" in (ROOT / "docs/results/table.md").read_text("utf-8")


def test_is_read_without_tensorflow() -> None:
    code = "import sys, nos_tf; nos_tf.table.load('digits').optimum(); assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.slow
def test_rows_can_be_trained_again(table: Table) -> None:
    for rule in ("g", "rmsprop", table.optimum().rule):
        assert nos_tf.evaluate(rule, task="digits").reward == pytest.approx(table.query(rule).reward, abs=0.02)
