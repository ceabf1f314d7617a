"""The reference page of the language matches the current primitives."""

from __future__ import annotations

import math
import pathlib

from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from tools import language_reference

TEXT = (pathlib.Path(__file__).parents[2] / "docs/language.md").read_text("utf-8")


def rows(table: str) -> dict[str, list[str]]:
    """Returns the cells of each row of a table, by the first cell, which is in backticks."""
    section = TEXT.partition(f"<!-- table: {table} -->")[2].partition("<!-- end -->")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_page_is_up_to_date() -> None:
    assert language_reference.page(TEXT) == TEXT, "Run `python -m tools.language_reference`"


def test_every_primitive_has_a_row() -> None:
    assert list(rows("operands")) + list(rows("additions")) == list(OPERANDS)
    assert [cells[0] for cells in rows("unary").values()] == [f"`{token}`" for token in UNARY]
    assert [cells[0] for cells in rows("binary").values()] == [f"`{token}`" for token in BINARY]
    of_paper = {"m": ["`g`", "0.9"], "v": ["`g**2`", "0.999"], "gamma": ["`g**3`", "0.999"]}
    assert rows("averages") == of_paper | {"m_slow": ["`g`", "0.99"]}


def test_worked_example() -> None:
    """Checks two steps of Adam by hand: gradients 0.5 and -0.25, betas 0.9 and 0.999, and a negligible epsilon."""
    m = (0.9 * 0.1 * 0.5 - 0.1 * 0.25) / (1 - 0.9**2)
    v = (0.999 * 0.001 * 0.25 + 0.001 * 0.0625) / (1 - 0.999**2)
    operands = rows("operands")
    assert operands["adam"][1:] == ["`m` `v`", "1", f"{m / math.sqrt(v):.4g}"]
    assert operands["rmsprop"][2] == f"{0.5 / math.sqrt(0.001 * 0.25 + 1e-7):.4g}"
    assert operands["noise"][1:] == ["-", "random, deviation 0.1", "random, deviation 0.1"]
    assert rows("additions")["ld"][3] == f"{1 - 1 / 40:.4g}"
    assert rows("unary")["log(x)"][2] == f"{math.log(2):.4g}"
    assert rows("unary")["drop(x, 0.3)"][2:] == ["0 or -2", "0", "0 or 0.3"]
    assert rows("binary")["x / y"][2:] == ["1.5", "-1.5", "3e+08"]


def test_a_page_keeps_its_prose() -> None:
    text = "Before\n<!-- table: averages -->\nold\n<!-- end -->\nafter\n"
    new = language_reference.page(text)
    assert new.startswith("Before\n<!-- table: averages -->\n\n| average |")
    assert new.endswith("|\n\n<!-- end -->\nafter\n")
