import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nos_tf.dsl import Program, ProgramError, parse
from nos_tf.dsl.parser import MAX_LENGTH
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from tests.dsl import numpy_twin


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("g", "g 1 identity identity *"),
        ("-g", "g 1 neg identity *"),
        ("--g", "g 1 neg identity * b1 1 neg identity *"),
        ("sign(g)", "sign(g) 1 identity identity *"),
        ("sign(v)", "v 1 sign identity *"),
        ("sign(identity(g))", "g 1 sign identity *"),
        ("g**2", "g**2 1 identity identity *"),
        ("g ** 2", "g**2 1 identity identity *"),
        ("g**2.0", "g**2 1 identity identity *"),
        ("m ** 2", "m 2 identity identity **"),
        ("1e-4*w", "1e-4*w 1 identity identity *"),
        ("0.0001 * w", "1e-4*w 1 identity identity *"),
        ("0.1*w + 1", "1e-1*w 1 identity identity +"),
        ("2.0 * g", "2 g identity identity *"),
        ("  g*m  ", "g m identity identity *"),
        ("(g) * (m)", "g m identity identity *"),
        ("m / sqrt(v)", "m v identity sqrt /"),
        ("g + m + v", "g m identity identity + b1 v identity identity +"),
        ("g + (m + v)", "m v identity identity + g b1 identity identity +"),
        ("g ** m ** v", "m v identity identity ** g b1 identity identity **"),
        ("-g ** m", "g m identity identity ** b1 1 neg identity *"),
        ("exp(sign(g) * sign(m)) * g", "sign(g) sign(m) identity identity * b1 g exp identity *"),
        ("clip(adam, 1e-4) - drop(m, 0.3)", "adam m clip_1e-4 drop_0.3 -"),
        ("clip(g, 0.00001)", "g 1 clip_1e-5 identity *"),
        ("left(exp(g), m)", "g m exp identity left"),
        ("exp(exp(g))", "g 1 exp identity * b1 1 exp identity *"),
        ("b1 = sqrt(v) * 1; m / b1", "v 1 sqrt identity * m b1 identity identity /"),
        ("b1 = sqrt(v)\nm / b1", "v 1 sqrt identity * m b1 identity identity /"),
        ("b1 = g * m;  b1 * b1", "g m identity identity * b1 b1 identity identity *"),
        ("b2 = g * m * v; b2 * b1", "g m identity identity * b1 v identity identity * b2 b1 identity identity *"),
        ("neg(g) * m", "g m neg identity *"),
    ],
)
def test_texts(text, tokens):
    assert parse(text).tokens == tuple(tokens.split())


# Text, part of the message, and the column that it points to, or None if the whole text is at fault.
BAD_TEXTS = [
    ("", "The rule is empty", None),
    ("   \n ", "The rule is empty", None),
    ("# note", "exp(sign(g) * sign(m)) * g'. Received: '# note'", None),
    (None, "A rule is a string", None),
    (3, "A rule is a string", None),
    (b"g", "A rule is a string", None),
    ("g + " * 300_000 + "g", "at most 1000 characters. Received: 1200001", None),
    ("g" * MAX_LENGTH, "Unknown name", 1),
    ("g * (m + " + "x" * 900 + ")", "Unknown name", 10),
    # Python itself rejects these.
    ("g +", "Not an expression", None),
    ("g * * m", "Not an expression", None),
    ("(g", "Not an expression", None),
    ("g)", "Not an expression", None),
    ("g m", "Not an expression", None),
    ("b1 = ", "Not an expression", None),
    ("exp(g", "Not an expression", None),
    ("'g", "Not an expression", None),
    ("01 * g", "Not an expression", None),
    # Names.
    ("sgn(g) * m", "Unknown function; did you mean 'sign'? Known: ", 1),
    ("g * adm", "Unknown name; did you mean 'adam'? Known: g, ", 5),
    ("g * rmsprob", "did you mean 'rmsprop'?", 5),
    ("m + (g * velocity)", "Received: 'velocity'", 10),
    ("g * w", "w cannot be read by itself, only as 1e-4*w, 1e-3*w, 1e-2*w, 1e-1*w", 5),
    ("w * 1e-4", "w cannot be read by itself", 1),
    ("5e-4 * w", "The constants are 1, 2", 1),
    ("g * exp", "exp is a function; write exp(...)", 5),
    ("g * clip", "clip is a function", 5),
    ("G * m", "Unknown name. Known: g, ", 1),
    ("__import__", "Unknown name", 1),
    # Groups.
    ("b1", "A group can only read earlier groups; b1 is not one", 1),
    ("g * b1", "A group can only read earlier groups; b1 is not one", 5),
    ("b1 = b1 * g; b1", "A group can only read earlier groups; b1", 6),
    ("b1 = g * b2; b1 * m", "A group can only read earlier groups; b2", 10),
    ("b1 = g * m; b3 * m", "A group can only read earlier groups; b3", 13),
    ("b4 = g * m; g * m", "Groups are named b1, b2, b3", 1),
    ("x = g * m; g * m", "Groups are named b1, b2, b3", 1),
    ("b2 = g * m; g * m", "This statement ends in group b1, so it cannot be named b2", 1),
    ("b1 = g * m; b1 = g * v; g * m", "ends in group b2, so it cannot be named b1", 13),
    ("b1 = g * m", "The last statement is the update", 1),
    ("g * m; g * v", "Only the last statement can be unnamed", 1),
    ("b1 = b2 = g; g", "A rule is an expression", 1),
    ("b1 += g; g", "A rule is an expression", 1),
    ("b1: g = m; g", "A rule is an expression", 1),
    ("b1, b2 = g, m; g", "Groups are named b1, b2, b3", 1),
    ("g * m * v * g * m * v", "at most 4 groups", 1),
    ("exp(exp(exp(exp(exp(g)))))", "at most 4 groups", 1),
    # Numbers.
    ("3 * g", "The constants are 1, 2", 1),
    ("g * 0.5", "The constants are 1, 2", 5),
    ("g * 1e400", "The constants are 1, 2", 5),
    ("g * 1e-400", "The constants are 1, 2", 5),
    ("g * 1j", "Only operands", 5),
    ("g * True", "Only operands", 5),
    ("g * 'm'", "Only operands", 5),
    ("g * None", "Only operands", 5),
    ("g * ...", "Only operands", 5),
    ("g ** 5", "The constants are 1, 2", 6),
    ("g * " + "9" * 400, "The constants are 1, 2", 5),
    # Calls.
    ("exp(g, m)", "exp takes 1 argument and no keywords", 1),
    ("exp()", "exp takes 1 argument", 1),
    ("m * left(g)", "left takes 2 arguments", 5),
    ("exp(x=g)", "exp takes 1 argument and no keywords", 1),
    ("left(g, m, v)", "left takes 2 arguments", 1),
    ("left(x=g, y=m)", "left takes 2 arguments", 1),
    ("sign(g, key=m)", "sign takes 1 argument", 1),
    ("clip(g)", "clip takes 2 arguments", 1),
    ("clip(g, 1e-2)", "The second argument of clip must be one of 1e-5, 1e-4, 1e-3", 9),
    ("clip(g, m)", "The second argument of clip must be one of", 9),
    ("drop(g, 1)", "The second argument of drop must be one of 0.1, 0.3, 0.5", 9),
    ("m + drop(g, -0.1)", "The second argument of drop", 13),
    ("clip(g, True)", "The second argument of clip", 9),
    ("exp(*g)", "Only operands", 5),
    ("exp(**g)", "exp takes 1 argument", 1),
    ("eval(g)", "Received: 'eval'", 1),
    ("m * print(g)", "Received: 'print'", 5),
    # All other Python syntax.
    ("g.m", "Only operands", 1),
    ("g.__class__", "Only operands", 1),
    ("g * m.real", "Only operands", 5),
    ("g.exp(m)", "Only operands", 1),
    ("exp(g)(m)", "Only operands", 1),
    ("(lambda: g)()", "Only operands", 1),
    ("g[0]", "Only operands", 1),
    ("[g for g in m]", "Only operands", 1),
    ("{g: m}", "Only operands", 1),
    ("m * sum(g for g in m)", "Received: 'sum'", 5),
    ("g if m else v", "Only operands", 1),
    ("g < m", "Only operands", 1),
    ("g and m", "Only operands", 1),
    ("not g", "Only operands", 1),
    ("+g", "Only operands", 1),
    ("~g", "Only operands", 1),
    ("g, m", "Only operands", 1),
    ("(g := m)", "Only operands", 2),
    ("f'{g}'", "Only operands", 1),
    ("m + (yield)", "Only operands", 6),
    ("m + await_", "Unknown name", 5),
    ("g @ m", "Operators are + - * / **", 1),
    ("g // m", "Operators are + - * / **", 1),
    ("g % m", "Operators are + - * / **", 1),
    ("m * (g | m)", "Operators are + - * / **", 6),
    ("import os", "A rule is an expression", 1),
    ("del g", "A rule is an expression", 1),
    ("def f(): pass", "A rule is an expression", 1),
    ("while g: m", "A rule is an expression", 1),
    ("pass; g", "A rule is an expression", 1),
    # Characters.
    ("\u0261 * m", "Only plain ASCII is allowed. Received: LATIN SMALL LETTER SCRIPT G", 1),
    ("g * \u043c", "Only plain ASCII is allowed. Received: CYRILLIC SMALL LETTER EM", 5),
    ("g \u2212 m", "Received: MINUS SIGN", 3),
    ("g\u00a0* m", "Received: NO-BREAK SPACE", 2),
    ("\U0001d420 * m", "Received: MATHEMATICAL BOLD SMALL G", 1),
    ("g * m\u200b", "Received: ZERO WIDTH SPACE", 6),
    ("g * m \U0001f600", "Received: GRINNING FACE", 7),
    ("g\0", "Received: a control character", 2),
    ("g\r* m", "Received: a control character", 2),
    ("g \ud800", "Received: a control character", 3),
    # Depth.
    ("(" * 10_000 + "g" + ")" * 10_000, "at most 1000 characters", None),
    ("-" * 900 + "g", "", None),
    ("(" * 450 + "g" + ")" * 450, "", None),
    ("identity(" * 100 + "g" + ")" * 100, "", None),
    ("exp(" * 180 + "g" + ")" * 180, "", None),
    ("g" + ".g" * 450, "", None),
    ("g" + "**g" * 300, "", None),
    ("g" + "+g" * 450, "", None),
    ("g" + "[g" * 150 + "]" * 150, "", None),
]


@pytest.mark.parametrize(("text", "message", "column"), BAD_TEXTS, ids=lambda value: ascii(value)[:40])
def test_bad_texts(text, message, column):
    start = time.perf_counter()
    with pytest.raises(ProgramError) as error:
        parse(text)
    assert time.perf_counter() - start < 1.0
    shown = str(error.value)
    assert message in shown
    assert isinstance(error.value, ValueError)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 320
    if column is not None:
        assert error.value.column == column
        assert f"(column {column}, at " in shown
    if error.value.column is not None:
        assert 1 <= error.value.column <= len(error.value.text)


def test_columns_count_from_the_first_nonblank_character_across_lines():
    with pytest.raises(ProgramError) as error:
        parse("  b1 = g * m\nb1 * adm")
    assert error.value.text == "b1 = g * m\nb1 * adm"
    assert error.value.text[error.value.column - 1 :] == "adm"


def test_a_syntax_error_has_a_column_within_the_text():
    for text in ("g +", "g * * m", "(g", "g)", "g m"):
        with pytest.raises(ProgramError) as error:
            parse(text)
        assert 1 <= error.value.column <= len(text)


TOKENS = [
    *OPERANDS,
    *UNARY,
    *BINARY,
    "b1",
    "b2",
    "b3",
    "w",
    "x",
    "clip",
    "drop",
    "(",
    ")",
    ",",
    ";",
    "=",
    "1e-4",
    "0.3",
]
TOKENS += [".", "[", "]", "{", "}", ":", "lambda", "for", "if", "import", "'", '"', "\\", "\n", "\t", "#", "@", "1j"]
VALID = [str(program) for program in numpy_twin.random_programs(100, seed=7)]


def _mutated(draw):
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.text(max_size=3)) + text[place + draw(st.integers(0, 3)) :]
    return text


def _nested(draw):
    opening, closing = draw(
        st.sampled_from([("(", ")"), ("-", ""), ("exp(", ")"), ("[", "]"), ("g**", ""), ("g+", ""), ("not ", "")])
    )
    depth = draw(st.integers(1, 1_200))
    return opening * depth + "g" + closing * draw(st.sampled_from([depth, depth - 1, 0]))


@st.composite
def texts(draw):
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=60))
    if kind == 1:
        return draw(st.text(max_size=40))
    if kind == 2:
        return draw(st.sampled_from(["", " "])).join(draw(st.lists(st.sampled_from(TOKENS), max_size=25)))
    return _mutated(draw) if kind == 3 else _nested(draw)


def _is_read_or_refused(text):
    start = time.perf_counter()
    program = error = None
    try:
        program = parse(text)
    except ProgramError as refusal:
        error = refusal
    if error is None:
        assert isinstance(program, Program)
        assert parse(str(program)) == program
    else:
        assert str(error).isascii()
        assert len(str(error)) < 400
        assert error.column is None or 1 <= error.column <= len(error.text)
    assert time.perf_counter() - start < 5.0  # Generous for busy machines; otherwise milliseconds.


@settings(max_examples=300, deadline=None)
@given(texts())
def test_any_text_is_parsed_or_refused(text):
    _is_read_or_refused(text)


@pytest.mark.slow
@settings(max_examples=12_000, deadline=None)
@given(texts())
def test_any_of_many_texts_is_parsed_or_refused(text):
    _is_read_or_refused(text)
