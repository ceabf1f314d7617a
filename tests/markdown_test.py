"""Tables and plain text of Markdown."""

from __future__ import annotations

import pytest

from nos_tf import markdown


def test_table():
    made = markdown.table(("rule", "reward"), [("`g * m`", "0.9"), ("", "**0.8**")])
    assert made == "| rule | reward |\n| --- | --- |\n| `g * m` | 0.9 |\n|  | **0.8** |\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sign(g) * m * v", r"sign(g) \* m \* v"),
        ("a | b", r"a \| b"),
        ("final_loss", r"final\_loss"),
        ("<b> & [x](y) ![z]", r"\<b\> \& \[x\](y) \!\[z\]"),
        ("a\\b", r"a\\b"),
        ("85.1 ± 0.2", "85.1 ± 0.2"),
    ],
)
def test_nothing_in_plain_text_is_markup(text, expected):
    assert markdown.plain(text) == expected
