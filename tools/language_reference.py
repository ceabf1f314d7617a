"""Writes the tables of docs/language.md from those of nos_tf/dsl/primitives.py: python -m tools.language_reference

The prose of the page is written by hand; what stands between `<!-- table: NAME -->` and `<!-- end -->` is made here.
Values are computed by the primitives themselves.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nos_tf.dsl.primitives import AVERAGES, BASE_OPERANDS, BINARY, DECAY_OPERANDS, UNARY, Operand, Unary
from nos_tf.text import markdown_table

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "language.md"

GRADIENTS, WEIGHT, TOTAL_STEPS = (0.5, -0.25), 2.0, 40.0  # The worked example of the operands.
_ARGUMENTS = (-2.0, 0.0, 0.3)
_PAIRS = ((3.0, 2.0), (-3.0, 2.0), (3.0, 0.0))
_MARKED = re.compile(r"(?<=<!-- table: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class _State:
    """`dsl.primitives.State` of one weight; all its random draws have the same value."""

    g: np.float64 = np.float64(0.0)  # noqa: RUF009
    averages: Mapping[str, float] = dataclasses.field(default_factory=dict)
    step: np.float64 = np.float64(0.0)  # noqa: RUF009
    draw: float = 0.0

    w = np.float64(WEIGHT)
    total_steps = np.float64(TOTAL_STEPS)
    xp = np

    def constant(self, value: float) -> np.float64:
        return np.float64(value)

    def average(self, name: str) -> np.float64:
        return np.float64(self.averages[name])

    def bias(self, name: str) -> np.float64:
        return 1.0 - AVERAGES[name].beta ** (self.step + 1.0)

    def normal(self, stream: int) -> np.float64:
        return np.float64(self.draw)

    def uniform(self) -> np.float64:
        return np.float64(self.draw)

    def at_site(self, site: int) -> _State:
        return self

    def after(self, gradient: float) -> _State:
        """The state of the next step; the first one follows the state whose averages are empty."""
        averages = {
            name: entry.beta * self.averages.get(name, 0.0) + (1.0 - entry.beta) * entry.compute(gradient)
            for name, entry in AVERAGES.items()
        }
        step = self.step + 1.0 if self.averages else self.step
        return dataclasses.replace(self, g=np.float64(gradient), averages=averages, step=step)


def page(text: str) -> str:
    """The page with the tables of today's primitives."""
    return _MARKED.sub(lambda match: f"{match[1]}{match[2]}\n{TABLES[match[1]]()}\n", text)


def _averages() -> str:
    rows = []
    for name, entry in AVERAGES.items():
        of = next(
            operand.name for operand in BASE_OPERANDS if operand.compute(_State(np.float64(3.0))) == entry.compute(3.0)
        )
        rows.append((_code(name), _code(of), f"{entry.beta:g}"))
    return markdown_table(("average", "of", "decay rate"), rows)


def _operands(entries: Sequence[Operand]) -> str:
    first = _State().after(GRADIENTS[0])
    states = (first, first.after(GRADIENTS[1]))
    rows = []
    for entry in entries:
        kept = " ".join(_code(name) for name in AVERAGES if name in entry.slots)
        rows.append((_code(entry.name), _math(entry.latex), kept or "-", *(_operand(entry, state) for state in states)))
    return markdown_table(("operand", "formula", "averages kept", "step 1", "step 2"), rows)


def _operand(entry: Operand, state: _State) -> str:
    # Of a standard normal draw, 1 is the deviation.
    value, drawn = (_number(entry.compute(dataclasses.replace(state, draw=draw))) for draw in (0.0, 1.0))
    return value if value == drawn else f"random, deviation {drawn}"


def _unary() -> str:
    rows = [
        (_code(entry.text % "x"), _code(token), _math(entry.latex % "x"), *(_applied(entry, x) for x in _ARGUMENTS))
        for token, entry in UNARY.items()
    ]
    return markdown_table(("function", "token", "formula", *(f"x = {x:g}" for x in _ARGUMENTS)), rows)


def _applied(entry: Unary, x: float) -> str:
    with np.errstate(divide="ignore"):  # The logarithm of 0.
        values = [_number(entry.compute(_State(draw=draw), np.float64(x))) for draw in (0.0, 1.0)]
    return " or ".join(dict.fromkeys(values))


def _binary() -> str:
    rows = []
    for token, entry in BINARY.items():
        values = [_number(entry.compute(_State(), np.float64(x), np.float64(y))) for x, y in _PAIRS]
        rows.append((_code(entry.text % ("x", "y")), _code(token), _math(entry.latex % ("x", "y")), *values))
    return markdown_table(("function", "token", "formula", *(f"x, y = {x:g}, {y:g}" for x, y in _PAIRS)), rows)


TABLES: dict[str, Callable[[], str]] = {
    "averages": _averages,
    "operands": lambda: _operands(BASE_OPERANDS),
    "decays": lambda: _operands(DECAY_OPERANDS),
    "unary": _unary,
    "binary": _binary,
}


def _number(value: np.float64) -> str:
    return f"{value + 0.0:.4g}"  # Without the sign of a zero.


def _code(text: str) -> str:
    return f"`{text}`"


def _math(latex: str) -> str:
    # GitHub's formulas know no \operatorname, and a bar would end the cell.
    for old, new in ((r"\operatorname", r"\mathrm"), (r"\left|", r"\lvert "), (r"\right|", r"\rvert ")):
        latex = latex.replace(old, new)
    return f"$`{latex}`$"


def main() -> None:
    """Writes the page's tables."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
