import pytest

from nos_tf.text import duration, markdown_escaped, markdown_table


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (250, "4 min 10 s"), (7_260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_table():
    made = markdown_table(("rule", "reward"), [("`g * m`", "0.9"), ("", "**0.8**")])
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
    assert markdown_escaped(text) == expected
