"""The parts of an exported step: every token of the language, in every framework and with the same value."""

from __future__ import annotations

import ast
import math

import numpy as np
import pytest

import nos_tf
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import AVERAGES, BINARY, OPERANDS, UNARY, noise_streams
from nos_tf.dsl.program import Program, evaluate
from nos_tf.exporters import TARGETS, export
from nos_tf.exporters.expression import Expression, apply, array, number, scalar
from nos_tf.exporters.printing import LATEX, TEXT, literal
from nos_tf.exporters.recipe import recipe

# A rule of one group for every token.
WORDS = [
    *((name, "1", "identity", "identity", "*") for name in OPERANDS),
    *(("g", "1", name, "identity", "*") for name in UNARY),
    *(("g", "w1", "identity", "identity", name) for name in BINARY),
]
PROGRAMS = [Program.from_tokens(["1e-1*w" if token == "w1" else token for token in tokens]) for tokens in WORDS]


def value(expression: Expression, names: dict[str, np.ndarray]) -> np.ndarray:
    """Evaluates a formula with NumPy's functions."""
    if expression.op == "number":
        return np.float64(expression.value)
    if expression.op in ("name", "array"):
        return names[expression.value]
    if expression.op in ("normal", "uniform"):
        return names[expression.op]
    parts = [value(part, names) for part in expression.arguments]
    operators = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "**": np.power, "%": np.mod}
    operators |= {"<": np.less, "neg": np.negative, "full": lambda x: x * np.ones(7)}
    return operators.get(expression.op, getattr(np, expression.op, None))(*parts)


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_every_token_keeps_its_value(program: Program) -> None:
    rng = np.random.default_rng(0)
    drawn = {name: rng.standard_normal(7) for name in ("g", "w", *AVERAGES, "normal")}
    drawn |= {name: abs(drawn[name]) for name, entry in AVERAGES.items() if entry.low >= 0}
    drawn |= {"uniform": rng.uniform(size=7), "t": np.float64(3), "total_steps": np.float64(10)}
    names = dict(drawn)
    steps = recipe(program)
    for slot in steps.slots:
        names[slot.beta_name] = np.float64(slot.beta)
    state = NumpyState(
        drawn["g"],
        drawn["w"],
        {name: drawn[name] for name in AVERAGES},
        drawn["t"],
        10.0,
        dict.fromkeys(noise_streams(), drawn["normal"]),
        [drawn["uniform"]] * 2,
    )
    for statement in steps.statements:
        names[statement.name] = value(statement.expression, names)
    expected = np.broadcast_to(evaluate(program, state), 7)
    np.testing.assert_allclose(names["update"], expected, rtol=1e-14)
    assert {slot.name for slot in steps.slots} == program.slots


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_every_token_has_an_expression_in_every_target(program: Program, target: str) -> None:
    text = export(program, to=target)
    if target not in ("latex", "markdown"):
        ast.parse(text)
    assert "Apache-2.0" in text


@pytest.mark.parametrize("target", ["keras", "optax", "torch", "numpy"])
def test_the_file_contains_only_what_the_rule_needs(target: str) -> None:
    text = export("g - clip(g**2, 1e-4)", to=target)
    for word in ("beta", "seed", "total_steps", "random", "step=0", "count", "t ="):
        assert word not in text, word
    text = export("exp(sign(g) * sign(m)) * g", to=target)
    assert "beta_2" not in text
    assert "beta_1: float = 0.9" in text
    assert "count" not in text


@pytest.mark.parametrize(
    ("rule", "statements"),
    [
        ("m * 1", ["update = m / (1 - beta_1 ** (t + 1))"]),
        ("exp(sign(g) * sign(m)) * g", ["update = exp(sign(g) * sign(m)) * g"]),
        ("m / sqrt(v)", ["m_hat = m / (1 - beta_1 ** (t + 1))", "v_hat = v / (1 - beta_2 ** (t + 1))"]),
        ("left(g, m)", ["update = g"]),
        ("1 + 2", ["update = 3"]),
        ("clip(g, 1e-3) - 1e-2*w", ["update = clip(g, -1e-3, 1e-3) - 0.01 * w"]),
        ("g - (g - m)", ["m_hat = m / (1 - beta_1 ** (t + 1))", "update = g - (g - m_hat)"]),
        ("b1 = exp(g) * sign(m); b1 * sqrt(b1)", ["x1 = exp(g) * sign(m)", "update = x1 * sqrt(abs(x1))"]),
        ("drop(1, 0.5) * g", ["dropped = where(uniform() < 0.5, 0, 1)", "update = dropped * g"]),
    ],
)
def test_statements_are_short_and_clear(rule: str, statements: list[str]) -> None:
    found = [f"{one.name} = {TEXT.write(one.expression)}" for one in recipe(nos_tf.parse(rule)).statements]
    assert found[: len(statements)] == statements
    assert len(found) - len(statements) <= 1


def test_a_draw_that_is_read_twice_is_drawn_once() -> None:
    steps = recipe(nos_tf.parse("b1 = drop(g, 0.5) * 2; b1 - exp(b1)"))
    assert len(steps.draws) == 1
    assert sum(part.is_random for one in steps.statements for part in one.expression.walk() if part.op == "where") == 1
    assert len(recipe(nos_tf.parse("noise - noise * g")).draws) == 1
    assert len(recipe(nos_tf.parse("noise - annealed_noise")).draws) == 2
    assert len(recipe(nos_tf.parse("drop(g, 0.5) - drop(g, 0.5)")).draws) == 2


def test_parentheses_are_written_only_where_needed() -> None:
    a, b, c = array("a"), array("b"), scalar("c")
    assert TEXT.write(a - (b - c)) == "a - (b - c)"
    assert TEXT.write((a - b) - c) == "a - b - c"
    assert TEXT.write(a / (b * c)) == "a / (b * c)"
    assert TEXT.write((a + b) * c) == "(a + b) * c"
    assert TEXT.write((a**b) ** c) == "(a**b) ** c"
    assert TEXT.write(-(a + b)) == "-(a + b)"
    assert TEXT.write(-a * b) == "-a * b"
    assert TEXT.write((-a) ** 2) == "(-a) ** 2"
    assert LATEX.write(a ** (b + 1) / 1e-8) == r"\frac{a^{b + 1}}{10^{-8}}"


def test_simplification_keeps_the_value_of_a_formula() -> None:
    g, v = array("g"), array("v")
    assert g * 1 == 1 * g == g / 1 == g
    assert apply("abs", v) == v
    assert apply("abs", g) != g
    assert apply("sqrt", apply("abs", apply("exp", g))) == apply("sqrt", apply("exp", g))
    assert number(2) + 3 == number(5)
    assert apply("log", number(0)).value == -math.inf
    assert g + 0 != g  # -0.0 + 0 is 0.0.


def test_numbers_are_written_in_short_and_exactly() -> None:
    for number_ in (1e-8, 1e-4, -1e-5, 0.1, 0.275, 2.0, 1e30, 1 / 3, 12345.678):
        assert float(literal(number_)) == number_
    assert [literal(x) for x in (1e-8, -1e-5, 1e-3, 0.1, 2.0)] == ["1e-8", "-1e-5", "1e-3", "0.1", "2"]


def test_does_not_load_a_framework() -> None:
    import subprocess
    import sys

    code = (
        "import sys, nos_tf\n"
        "for to in ('keras', 'optax', 'torch', 'numpy', 'latex', 'markdown'): nos_tf.export('powersign-cd', to=to)\n"
        "assert not {'tensorflow', 'keras', 'jax', 'optax', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
