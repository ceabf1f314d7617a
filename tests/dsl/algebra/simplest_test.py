"""Rules as they are displayed: equal, shorter, and with the same scale."""

import numpy as np
import pytest

from nos_tf.dsl import Program, SearchSpace, canonical_key, parse
from nos_tf.dsl.algebra.simplest import simplest, simplest_text
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.dsl.primitives import UNARY
from nos_tf.dsl.program import evaluate
from nos_tf.evaluation.gradient_streams import streams


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("m", "m"),
        ("left(drop(rmsprop, 0.3), exp(sign(g)))", "drop(rmsprop, 0.3)"),
        ("b1 = g + v; left(drop(adam, 0.5), b1)", "drop(adam, 0.5)"),
        ("log(exp(g))", "g"),
        ("exp(log(g)) * sign(g)", "g"),
        ("adam * exp(g - g)", "adam"),
        ("sign(sign(m))", "sign(m)"),
        ("sqrt(1) * g", "g"),
        ("g * 2", "g * 2"),
        ("g + g", "g + g"),
        ("b1 = exp(g) * 1; b1 * m", "exp(g) * m"),
        ("b1 = g * 1; b2 = b1 + m; b2 * 1", "g + m"),
        ("-g - m", "-g - m"),
        ("drop(rmsprop, 0.1) - -sign(m)", "drop(rmsprop, 0.1) + sign(m)"),
        ("-g + m", "m - g"),
        ("adam + sign(identity(g))", "adam + sign(g)"),
        ("b1 = sqrt(1) - sign(identity(m)); b1 * v", "(1 - sign(m)) * v"),
        ("b1 = g + -m; b1 * v", "(g - m) * v"),
        ("exp(sign(g) * sign(m)) * g", "exp(sign(g) * sign(m)) * g"),
        ("g * drop(1, 0.3)", "drop(g, 0.3)"),
        ("b1 = sqrt(g) * 1; clip(m, 1e-3) * sqrt(b1)", "clip(m, 1e-3) * sqrt(sqrt(g))"),
        ("b2 = (m + g) * v; b2 * b2", "b2 = (m + g) * v; b2 * b2"),
        ("b2 = (m + g) * 1; b2 * b2", "b1 = m + g; b1 * b1"),
        ("b2 = sqrt(g * m) * 1; b2 * b2", "b2 = sqrt(g * m); b2 * b2"),
    ],
)
def test_shows_the_simplest_rule(text, short):
    assert simplest_text(parse(text)) == short


def test_keeps_named_rules_as_people_write_them():
    for rule in NAMED_RULES.values():
        assert simplest_text(parse(rule.text)) == rule.text


@pytest.mark.parametrize(("num_groups", "constraints"), [(1, ()), (2, ()), (4, ()), (3, ["reuse_groups"])])
def test_equals_the_original_and_is_not_longer(num_groups, constraints):
    unary = tuple(name for name, entry in UNARY.items() if not entry.stochastic)
    space, rng = SearchSpace(num_groups, unary=unary, constraints=constraints), np.random.default_rng(num_groups)
    shorter = 0
    for _ in range(40):
        program = space.sample(rng)
        short = simplest(program)
        text = simplest_text(program)
        assert parse(text) == short
        assert len(text) <= len(str(program))
        assert simplest(short) == short
        shorter += len(text) < len(str(program))
        with np.errstate(all="ignore"):
            expected, actual = np.broadcast_arrays(*(evaluate(rule, streams().state) for rule in (program, short)))
            agree = np.isclose(expected, actual, rtol=1e-3, equal_nan=True)
        ordinary = (np.abs(expected) > 1e-20) & (np.abs(expected) < 1e20)  # Away from underflow and overflow.
        assert agree[ordinary].sum() >= 0.98 * ordinary.sum(), str(program)
        assert canonical_key(program) == canonical_key(short)
    assert shorter >= 4


def test_keeps_the_number_of_masks():
    program = Program.from_tokens(["g", "m", "drop_0.3", "drop_0.3", "+"])
    assert simplest(program) == program
