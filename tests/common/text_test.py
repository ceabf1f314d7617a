import pytest

from nos_tf.common.text import difference, duration, markdown_escaped, markdown_table, number, p_value


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (250, "4 min 10 s"), (7_260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "1e-5"), (1.78e-5, "1.78e-5"), (0.001, "0.001"), (10, "10"), (2e-10, "2e-10"), (1e20, "1e20")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
    assert float(text) == value
    assert number(0.123456, digits=3) == "0.123"


def test_table():
    made = markdown_table(("rule", "reward"), [("`g * m`", "0.9"), ("", "**0.8**")])
    assert made == "| rule | reward |\n| --- | --- |\n| `g * m` | 0.9 |\n|  | **0.8** |\n"


@pytest.mark.parametrize(("p", "text"), [(0.03217, "p = 0.032"), (1.0, "p = 1"), (1e-7, "p < 0.0001")])
def test_p_values(p: float, text: str) -> None:
    assert p_value(p) == text


def test_differences() -> None:
    assert difference(0.00632, 0.00436, 0.0335) == "+0.0063 ± 0.0044 (p = 0.034)"
    assert difference(-1.0, None, 1e-9, decimals=1) == "-1.0 (p < 0.0001)"


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
def test_plain_text_is_escaped(text, expected):
    assert markdown_escaped(text) == expected
