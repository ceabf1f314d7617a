"""docs/results/ledger.md matches the current runs."""

from __future__ import annotations

import os

import pytest

from nos_tf.paper import ledger, results
from tools import results_ledger

pytestmark = pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")
FOLDER = results_ledger.PAGE.parent


def test_page_is_up_to_date() -> None:
    assert results_ledger.PAGE.read_text("utf-8") == results_ledger.page(), "Run python -m tools.results_ledger"


def test_page_has_every_run_that_was_kept_and_lists_those_that_were_not() -> None:
    text = results_ledger.page()
    kept = {path.parent.name for path in FOLDER.glob("*/results.json")}
    compared = ledger.compare(results.find(FOLDER))
    assert {folder for run in compared.runs for folder in run.folders} <= kept
    lost = text.partition("## Runs that were not kept")[2]
    for name in ("cifar10_convnet", "cifar10_wide_resnet_table1", "imagenet_mobile", "gnmt", "rosenbrock", "staleness"):
        assert (name in kept) != (f"({name}.md)" in lost), name


def test_kept_runs_agree_with_the_pages() -> None:
    """Compares the mean final values on the deterministic Rosenbrock function with the page."""
    page = (FOLDER / "rosenbrock.md").read_text("utf-8")
    (run, _) = results.find(FOLDER / "rosenbrock")
    assert run.function == "deterministic"
    chosen = {training.optimizer: training for training in run.trainings if training.chosen}
    for name, training in chosen.items():
        assert f"| deterministic | {name} | {training.learning_rate:g} |" in page
        assert f"| {training.metrics['final_value']:.2e} |" in page
