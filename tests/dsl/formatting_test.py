import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

from nos_tf.dsl import Program, parse
from nos_tf.dsl.parser import MAX_LENGTH
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from tests.dsl import numpy_twin


@st.composite
def programs(draw):
    tokens = []
    for group in range(draw(st.integers(1, 4))):
        operands = st.sampled_from([*OPERANDS, *("b1", "b2", "b3")[:group] * 4])
        unary = st.sampled_from(list(UNARY))
        tokens += [draw(operands), draw(operands), draw(unary), draw(unary), draw(st.sampled_from(list(BINARY)))]
    return Program(tuple(tokens))


@settings(max_examples=300, deadline=None)
@given(programs())
def test_text_parses_back_to_the_same_tokens(program):
    assert parse(str(program)) == program
    assert len(str(program)) < MAX_LENGTH


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None)
@given(programs())
def test_text_of_many_programs_parses_back_to_the_same_tokens(program):
    assert parse(str(program)) == program


def test_text_of_random_programs_parses_back_to_the_same_tokens():
    for program in numpy_twin.random_programs(2_000, seed=9):
        assert parse(str(program)) == program


def test_text_of_all_operands_and_functions():
    for name in OPERANDS:
        for unary in UNARY:
            for binary in BINARY:
                program = Program((name, "g", unary, "identity", binary))
                assert parse(str(program)) == program
                program = Program(("g", name, "identity", unary, binary))
                assert parse(str(program)) == program


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("g 1 identity identity *", "g * 1"),
        ("sign(g) sign(m) identity identity * b1 g exp identity *", "exp(sign(g) * sign(m)) * g"),
        ("v 1 sqrt identity * m b1 identity identity /", "m / (sqrt(v) * 1)"),
        ("g m neg identity - b1 b1 identity identity *", "b1 = -g - m; b1 * b1"),
        ("g m identity identity + v 1 identity identity * b1 g identity identity -", "b2 = v * 1; g + m - g"),
        ("adam m clip_1e-4 drop_0.3 -", "clip(adam, 1e-4) - drop(m, 0.3)"),
        ("g 2 identity identity **", "identity(g) ** 2"),
        ("g m sign sign *", "sign(identity(g)) * sign(identity(m))"),
        ("1e-4*w g neg identity **", "(-(1e-4*w)) ** g"),
        ("g m identity identity left", "left(g, m)"),
    ],
)
def test_text(tokens, text):
    program = Program(tuple(tokens.split()))
    assert parse(str(program)) == program
    if not text.startswith("b2"):
        assert str(program) == text
    assert repr(program) == f"Program({str(program)!r})"


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("exp(sign(g) * sign(m)) * g", r"e^{\operatorname{sign}(g) \cdot \operatorname{sign}(m)} \cdot g"),
        ("m / sqrt(v)", r"\frac{\hat{m}}{\sqrt{\left|\hat{v}\right|} + \delta}"),
        ("b1 = m * v; left(g, b1)", r"\operatorname{left}\left(g, \hat{m} \cdot \hat{v}\right)"),
        ("b1 = m * v; g * 2", r"g \cdot 2"),
        ("(g + m) * v", r"\left(g + \hat{m}\right) \cdot \hat{v}"),
        ("g - (m - v)", r"g - \left(\hat{m} - \hat{v}\right)"),
        ("clip(g, 1e-4) * 1", r"\operatorname{clip}\left(g, 10^{-4}\right) \cdot 1"),
        ("(g + m) ** 2", r"\left|g + \hat{m}\right|^{2}"),
    ],
)
def test_latex(text, latex):
    assert parse(text).to_latex() == latex


def test_latex_is_well_formed_and_renders():
    renderer = MathTextParser("path")
    for program in numpy_twin.random_programs(40, seed=5):
        latex = program.to_latex()
        depth = 0
        for brace in re.findall(r"(?<!\\)[{}]", latex):
            depth += 1 if brace == "{" else -1
            assert depth >= 0, latex
        assert depth == 0, latex
        assert latex.count(r"\left") == latex.count(r"\right"), latex
        assert "%s" not in latex
        renderer.parse(f"${latex}$")
