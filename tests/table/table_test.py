"""Queries of a table, on a miniature."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import nos_tf
from nos_tf.table import Table, content, load
from tests.table import miniature


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(miniature.content())


@pytest.mark.parametrize(
    ("spelling", "rule"),
    [("sign(g) * m", "sign(g) * m"), ("m * sign(g)", "sign(g) * m"), ("left(adam, exp(g))", "adam"), ("-(-g)", "g")],
)
def test_any_spelling_finds_the_rule(table: Table, spelling: str, rule: str) -> None:
    found, own = table.query(spelling), table.query(rule)
    assert found._replace(rule=rule, learning_rate=None) == own._replace(learning_rate=None)
    assert found.learning_rate == pytest.approx(own.learning_rate)
    assert nos_tf.canonical_key(nos_tf.parse(found.rule)) == nos_tf.canonical_key(nos_tf.parse(rule))


def test_row_has_the_results_of_the_training(table: Table) -> None:
    row = table.query("adam")
    assert (row.reward, row.learning_rate, row.seconds) == pytest.approx((0.83, 0.003, 3.0))
    assert row.status == "trained"
    lost = table.query("exp(m) * g")
    assert (lost.reward, lost.learning_rate, lost.status) == (0.0, None, "diverged")


def test_learning_rate_is_that_of_the_rule_as_written(table: Table) -> None:
    for text, factor in (("g + g", 0.5), ("g / 2", 2.0), ("2 * m", 0.5)):
        own = "m" if "m" in text else "g"
        assert table.query(text).learning_rate == pytest.approx(factor * table.query(own).learning_rate)


def test_values_ranks_and_regrets_are_those_of_the_means_over_seeds(table: Table) -> None:
    # Means at the best fine rate: adam 0.84, sign(g) * m 0.82, rmsprop 0.85; single rewards: m 0.81, g 0.80.
    expected = {"rmsprop": 0.85, "adam": 0.84, "sign(g) * m": 0.82, "m": 0.81, "g": 0.80}
    for rank, (rule, value) in enumerate(expected.items(), start=1):
        assert table.value(rule) == pytest.approx(value)
        assert table.rank(rule) == rank
        assert table.regret(rule) == pytest.approx(0.85 - value, abs=1e-6)
    assert table.optimum().rule == "rmsprop"
    assert [row.rule for row in table.best(5)] == list(expected)
    assert [row.reward for row in table.best(5)] == pytest.approx(list(expected.values()))
    assert len(table) == 7


def test_test_results_are_separate_and_only_of_the_best_rules(table: Table) -> None:
    assert table.reveal_test("adam") == pytest.approx(np.arange(8, 12) / 12)
    with pytest.raises(nos_tf.ProgramError, match=r"Only the 3 best rules .* Received: 'm', with rank 4"):
        table.reveal_test("m")


def test_rule_outside_the_table_is_refused(table: Table) -> None:
    with pytest.raises(nos_tf.ProgramError, match=r"only has the rules of seven rules.*Received: 'v'"):
        table.query("v")
    with pytest.raises(nos_tf.ProgramError):
        table.query("g +")
    with pytest.raises(ValueError, match="Unknown table"):
        load("digts")


def test_file_holds_the_same_and_is_named_after_its_content(tmp_path) -> None:
    first = miniature.content()
    path = content.write(first, tmp_path, "digits")
    assert path.name.startswith(f"digits-{content.VERSION}-")
    second = content.read(path)
    assert second.facts == first.facts
    for name in ("keys", "tokens", "reward", "fine_rewards"):
        np.testing.assert_array_equal(getattr(second, name), getattr(first, name))
    assert content.write(second, tmp_path, "digits") == path
    arrays = {field.name: np.array([print], object) for field in dataclasses.fields(content.Content)}
    np.savez(tmp_path / "harmful.npz", **arrays)
    with pytest.raises(ValueError, match="allow_pickle"):
        content.read(tmp_path / "harmful.npz")


def test_reader_needs_only_numpy() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'scipy', 'sklearn', 'rich', 'absl')))\n"
        "from nos_tf import table; from tests.table import miniature\n"
        "print(table.Table(miniature.content()).query('m * sign(g)').reward)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(0.86)
