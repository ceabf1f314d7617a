"""docs/rules.md matches the current named rules."""

from __future__ import annotations

import os

import pytest

from nos_tf.exporters.subject import NAMES
from tools import rules_reference


@pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")
def test_page_is_up_to_date() -> None:
    text = rules_reference.PAGE.read_text("utf-8")
    assert text == rules_reference.page(), "Run python -m tools.rules_reference"


def test_every_rule_has_its_facts() -> None:
    text = rules_reference.page()
    for name in NAMES:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for words in ("$`w ", "State per weight", "arXiv:1709.07417", f"nos-tf-export {name} --to="):
            assert words in section, (name, words)
    section = text.partition("\n## drop-m-exp-w\n")[2].partition("\n## ")[0]
    assert "[C] Wide ResNet on CIFAR-10" in section
    assert "Final Val 93.2, Final Test 93.0, Best Val 93.5, Best Test 93.2" in section
