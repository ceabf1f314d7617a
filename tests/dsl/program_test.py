import copy
import pickle

import pytest

from nos_tf.dsl import Group, Program, ProgramError, parse

SGD = ("g", "1", "identity", "identity", "*")
ADAM = ("v", "1", "sqrt", "identity", "*", "m", "b1", "identity", "identity", "/")


def test_tokens_and_groups():
    program = Program.from_tokens(list(ADAM))
    assert program.tokens == ADAM
    assert program.num_groups == 2
    assert program.groups[1] == Group("m", "b1", "identity", "identity", "/")
    assert list(program.groups[0].sides()) == [(0, "v", "sqrt"), (1, "1", "identity")]
    assert list(Group("v", "g", "sqrt", "exp", "left").sides()) == [(0, "v", "sqrt")]


def test_programs_are_immutable_values():
    program = Program(SGD)
    assert program == Program.from_tokens(iter(SGD))
    assert hash(program) == hash(Program(SGD))
    assert program != Program(ADAM)
    with pytest.raises(AttributeError):
        program.tokens = ADAM
    assert program.groups is program.groups
    assert pickle.loads(pickle.dumps(program)) == copy.deepcopy(program) == program


@pytest.mark.parametrize(
    ("text", "live", "operands", "slots", "needs_total_steps"),
    [
        ("g", (0,), {"g", "1"}, set(), False),
        ("left(g, v)", (0,), {"g"}, set(), False),
        ("m / sqrt(v)", (0,), {"m", "v"}, {"m", "v"}, False),
        ("adam * gamma", (0,), {"adam", "gamma"}, {"m", "v", "gamma"}, False),
        ("rmsprop * sign(m)", (0,), {"rmsprop", "sign(m)"}, {"m", "v"}, False),
        ("b1 = ld * v; g * m", (1,), {"g", "m"}, {"m"}, False),
        ("b1 = ld * v; b2 = b1 * g; left(g, b2)", (2,), {"g"}, set(), False),
        ("b1 = cd * g; b2 = left(m, b1); b2 * b2", (1, 2), {"m"}, {"m"}, False),
        ("b1 = cd * g; b2 = rd * m; b1 * b1", (0, 2), {"cd", "g"}, set(), True),
        ("ld * annealed_noise", (0,), {"ld", "annealed_noise"}, set(), True),
    ],
)
def test_what_the_update_depends_on(text, live, operands, slots, needs_total_steps):
    program = parse(text)
    assert program.live_groups == live
    assert program.operands == operands
    assert program.slots == slots
    assert program.needs_total_steps == needs_total_steps


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ((), "Received: 0 tokens"),
        (SGD[:4], "Received: 4 tokens"),
        (SGD * 5, "Received: 25 tokens"),
        ((*SGD, "g"), "Received: 6 tokens"),
        (("gg", *SGD[1:]), r"operand at token 1 \(group 1\); did you mean 'g'\? Known: g, .*Received: 'gg'"),
        (("g", "1", "sgn", "identity", "*"), r"unary function at token 3 .*; did you mean 'sign'\?"),
        (("g", "1", "identity", "exp", "^"), r"binary function at token 5 .*Received: '\^'"),
        (("exp", "1", "identity", "identity", "*"), "operand at token 1"),
        (("g", "1", "g", "identity", "*"), "unary function at token 3"),
        (("g", "1", "identity", "identity", "identity"), "binary function at token 5"),
        (
            ("b1", "1", "identity", "identity", "*"),
            r"Group 1 can only read earlier groups.*token 1 \(group 1\): 'b1'",
        ),
        ((*SGD, "g", "b2", "identity", "identity", "*"), "Group 2 can only read earlier groups.*'b2'"),
        ((*SGD, "b3", "g", "identity", "identity", "*"), "Group 2 can only read earlier groups.*'b3'"),
        ((*SGD, "b4", "g", "identity", "identity", "*"), r"operand at token 6 \(group 2\)"),
        ((1, "1", "identity", "identity", "*"), "Tokens must be strings. Received at token 1"),
        (("g", None, "identity", "identity", "*"), "Tokens must be strings. Received at token 2"),
        (("g", "1" * 10_000, "identity", "identity", "*"), r"token 2 .*\.\.\.'$"),
    ],
)
def test_tokens_that_are_not_a_program(tokens, message):
    with pytest.raises(ProgramError, match=message) as error:
        Program.from_tokens(tokens)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_a_text_is_not_a_list_of_tokens():
    with pytest.raises(ProgramError, match=r"use nos_tf\.parse for a text"):
        Program.from_tokens("g * m")
