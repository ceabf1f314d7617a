"""The named rules, without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nos_tf
from nos_tf.dsl.named_rules import NAMED_RULES


@pytest.mark.parametrize("name", NAMED_RULES)
def test_text_is_the_printed_form_of_the_rule(name):
    text = NAMED_RULES[name].text
    assert str(nos_tf.parse(text)).removesuffix(" * 1") == text


def test_names_stand_for_different_rules():
    keys = nos_tf.canonical_keys([nos_tf.parse(rule.text) for rule in NAMED_RULES.values()])
    assert len(set(keys)) == len(NAMED_RULES) == 26


def test_titles_are_the_baselines_of_a_search():
    titles = [rule.title for rule in NAMED_RULES.values() if rule.title]
    assert titles == ["SGD", "Momentum", "Nesterov", "Adam", "AdamW", "RMSProp", "Lion", "PowerSign", "AddSign"]


def test_does_not_load_tensorflow():
    code = "import sys, nos_tf.dsl.named_rules; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
