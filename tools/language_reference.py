"""Updates the tables in docs/language.md from those in nos_tf/dsl/primitives.py: python -m tools.language_reference

Everything between `<!-- table: NAME -->` and `<!-- end -->` is generated; the rest of the page is written by hand.
Values are computed by the primitives themselves.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from nos_tf.common.text import markdown_table
from nos_tf.dsl.entries import Operand, Unary
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import AVERAGES, BINARY, OPERANDS, UNARY, noise_streams

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "language.md"

GRADIENTS, WEIGHT, TOTAL_STEPS = (0.5, -0.25), 2.0, 40.0  # Inputs of the worked example for operands.
_ARGUMENTS = (-2.0, 0.0, 0.3)
_PAIRS = ((3.0, 2.0), (-3.0, 2.0), (3.0, 0.0))
_MARKED = re.compile(r"(?<=<!-- table: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def _state(g: float = 0.0, step: int = 0, averages: Mapping[str, float] | None = None, draw: float = 0.0) -> NumpyState:
    """Returns the state of one weight, with the same value for all random draws."""
    return NumpyState(
        g=np.float64(g),
        w=np.float64(WEIGHT),
        averages={name: np.float64(value) for name, value in (averages or {}).items()},
        step=np.float64(step),
        total_steps=TOTAL_STEPS,
        normals={stream: np.float64(draw) for stream in noise_streams()},
        uniforms=[np.float64(draw)],
    )


def _states(draw: float) -> Iterator[NumpyState]:
    """Yields the states of the worked example, step by step."""
    averages = dict.fromkeys(AVERAGES, 0.0)
    for step, gradient in enumerate(GRADIENTS):
        for name, entry in AVERAGES.items():
            averages[name] = entry.beta * averages[name] + (1.0 - entry.beta) * entry.compute(gradient)
        yield _state(gradient, step, averages, draw)


def page(text: str) -> str:
    """Replaces the tables in the page."""
    return _MARKED.sub(lambda match: f"{match[1]}{match[2]}\n{TABLES[match[1]]()}\n", text)


def _averages() -> str:
    rows = []
    for name, entry in AVERAGES.items():
        of = next(
            operand.name
            for operand in OPERANDS.values()
            if not (operand.slots or operand.needs_total_steps) and operand.compute(_state(3.0)) == entry.compute(3.0)
        )
        rows.append((_code(name), _code(of), f"{entry.beta:g}"))
    return markdown_table(("average", "of", "decay rate"), rows)


def _operands(entries: Sequence[Operand]) -> str:
    rows = []
    for entry in entries:
        kept = " ".join(_code(name) for name in AVERAGES if name in entry.slots)
        rows.append((_code(entry.name), _math(entry.latex), kept or "-", *_values(entry)))
    return markdown_table(("operand", "formula", "averages kept", "step 1", "step 2"), rows)


def _values(entry: Operand) -> list[str]:
    """Computes an operand at each step of the worked example, or its standard deviation if it is random."""
    steps = zip(_states(draw=0.0), _states(draw=1.0), strict=True)
    pairs = [[_number(entry.compute(state)) for state in states] for states in steps]
    return [value if value == drawn else f"random, deviation {drawn}" for value, drawn in pairs]


def _unary() -> str:
    rows = [
        (_code(entry.text % "x"), _code(token), _math(entry.latex % "x"), *(_applied(entry, x) for x in _ARGUMENTS))
        for token, entry in UNARY.items()
    ]
    return markdown_table(("function", "token", "formula", *(f"x = {x:g}" for x in _ARGUMENTS)), rows)


def _applied(entry: Unary, x: float) -> str:
    with np.errstate(divide="ignore"):  # From the logarithm of 0.
        values = [_number(entry.compute(_state(draw=draw), np.float64(x))) for draw in (0.0, 1.0)]
    return " or ".join(dict.fromkeys(values))


def _binary() -> str:
    rows = []
    for token, entry in BINARY.items():
        values = [_number(entry.compute(_state(), np.float64(x), np.float64(y))) for x, y in _PAIRS]
        rows.append((_code(entry.text % ("x", "y")), _code(token), _math(entry.latex % ("x", "y")), *values))
    return markdown_table(("function", "token", "formula", *(f"x, y = {x:g}, {y:g}" for x, y in _PAIRS)), rows)


TABLES: dict[str, Callable[[], str]] = {
    "averages": _averages,
    "operands": lambda: _operands([entry for entry in OPERANDS.values() if not entry.extra]),
    "additions": lambda: _operands([entry for entry in OPERANDS.values() if entry.extra]),
    "unary": _unary,
    "binary": _binary,
}


def _number(value: np.float64) -> str:
    return f"{value + 0.0:.4g}"  # Adding 0 turns -0 into 0.


def _code(text: str) -> str:
    return f"`{text}`"


def markdown_math(latex: str) -> str:
    """Adapts a formula to Markdown: GitHub does not support \\operatorname, and a bar would end a table cell."""
    for old, new in ((r"\operatorname", r"\mathrm"), (r"\left|", r"\lvert "), (r"\right|", r"\rvert ")):
        latex = latex.replace(old, new)
    return latex


def _math(latex: str) -> str:
    return f"$`{markdown_math(latex)}`$"


def main() -> None:
    """Writes the page's tables."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
