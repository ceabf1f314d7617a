"""The page of the public API matches the docstrings."""

from __future__ import annotations

import os

import pytest

from tools import api_reference

pytestmark = pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")


def test_the_page_is_up_to_date() -> None:
    wanted = api_reference.page()
    assert api_reference.PAGE.read_text("utf-8") == wanted, "Run `python -m tools.api_reference`"


def test_the_page_names_the_public_api() -> None:
    page = api_reference.PAGE.read_text("utf-8")
    for name in ("nos_tf.Program", "nos_tf.evaluate", "nos_tf.optimizers.PowerSign", "nos_tf.tasks.register"):
        assert f"### `{name}`" in page
