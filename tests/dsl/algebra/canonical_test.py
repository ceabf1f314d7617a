import subprocess
import sys

import numpy as np
import pytest

from nos_tf.dsl import Program, SearchSpace, canonical_key, canonical_keys, parse
from nos_tf.dsl.algebra import canonical
from tests.dsl import numpy_twin

POWER_SIGN = "exp(sign(g) * sign(m)) * g"

EQUAL = [
    # Order, parentheses and signs.
    ("g * m", "m * g"),
    ("g + m", "m + g"),
    ("(g + m) + w4", "g + (m + w4)"),
    ("(g * m) * v", "g * (m * v)"),
    ("g - m", "-m + g"),
    ("-(-g)", "g"),
    ("-g * -m", "g * m"),
    ("(g + m) * (g - m)", "g**2 - m * m"),
    ("(g + m) * (g + m)", "(g + m) ** 2"),
    ("g * (m + v)", "g * m + v * g"),
    # Neutral elements and unused parts.
    ("g * 1", "g"),
    ("g / 1", "g"),
    ("g ** 1", "sqrt(g**2)"),
    ("m + (g - g)", "m"),
    ("m + log(1)", "m"),
    ("m * exp(g - g)", "m"),
    ("m ** (g - g)", "1"),
    ("left(g, m)", "g"),
    ("left(left(g, v), drop(m, 0.3))", "g"),
    ("b1 = m / v; g * w4", "g * w4"),
    ("g - g", "m - m"),
    ("g * log(1)", "m - m"),
    ("1", "2"),
    # Powers, logarithms and exponentials.
    ("g * g", "g**2"),
    ("g**2 * g", "g**3"),
    ("g * g * g", "g**3"),
    ("sqrt(g**2)", "sqrt(g) * sqrt(g)"),
    ("sqrt(g**2) * sign(g)", "g"),
    ("sqrt(g**2)", "exp(log(g))"),
    ("g ** 2", "g**2"),
    ("m ** 2", "m * m"),
    ("sqrt(v) * sqrt(v)", "v"),
    ("log(m) + log(m)", "log(m * m)"),
    ("log(exp(g))", "g"),
    ("exp(g) * exp(m)", "exp(g + m)"),
    ("exp(g) * exp(-g)", "1"),
    ("2 ** g", "exp(log(2) * g)"),
    ("exp(g) ** m", "exp(m * g)"),
    ("sqrt(exp(g)) * sqrt(exp(g))", "exp(g)"),
    # Signs.
    ("sign(sign(m) * 2)", "sign(m)"),
    ("sign(g**3)", "sign(g)"),
    ("sign(g * m)", "sign(g) * sign(m)"),
    ("sign(exp(v))", "1"),
    ("sign(1 + g**2)", "1"),
    ("sign(clip(g, 1e-4))", "sign(g)"),
    ("sign(m / sqrt(v))", "sign(m)"),
    ("sign(v) * v", "v"),
    ("sign(g) * sign(g) * g", "g"),
    ("sign(g + m)", "sign(-m - g) * -1"),
    ("sign(sign(g) ** g)", "1"),
    # Clips.
    ("clip(clip(g, 1e-4), 1e-3)", "clip(g, 1e-4)"),
    ("clip(-g, 1e-4)", "-clip(g, 1e-4)"),
    ("clip(1e-3*w, 1e-4)", "clip(1e-2*w, 1e-3)"),
    ("clip(sign(g), 1e-3)", "sign(g)"),
    ("clip(exp(v), 1e-3)", "1"),
    ("clip(clip(g, 1e-5) * m, 1e-3) * sign(m)", "clip(m * clip(g, 1e-5), 1e-3) * sign(m)"),
    # Positive factors of the whole rule.
    ("1e-4*w", "1e-1*w"),
    ("2 * g", "g"),
    ("g / 2", "g"),
    ("g + g", "g"),
    ("clip(g, 1e-4) + clip(g, 1e-4)", "clip(g, 1e-4)"),
    ("exp(2) * m", "m"),
    ("1e-4*w * g", "g * (1e-2*w)"),
    # Rules from the paper.
    (POWER_SIGN, "g * exp(sign(m) * sign(g))"),
    (POWER_SIGN, "exp(sign(g * m)) * g"),
    (POWER_SIGN, "exp(1) ** (sign(g) * sign(m)) * g"),
    ("(1 + sign(g) * sign(m)) * g", "g + sign(g) * sign(m) * g"),
    ("(1 + sign(g) * sign(m)) * g", "g + sqrt(g**2) * sign(m)"),
    ("b1 = sqrt(v) * 1; m / b1", "m / sqrt(v)"),
    # Randomness.
    ("drop(g, 0.3)", "drop(g, 0.3) * 1"),
    ("b1 = drop(g, 0.3) * 1; b1 - b1", "g - g"),
    ("b1 = drop(g, 0.3) * 1; b1 * b1", "drop(g**2, 0.3)"),
    ("drop(g, 0.3) * m", "g * drop(m, 0.3)"),
    ("drop(g, 0.1) + drop(m, 0.1)", "drop(m, 0.1) + drop(g, 0.1)"),
    ("drop(g, 0.1) * drop(m, 0.1)", "drop(drop(g * m, 0.1), 0.1)"),
    ("drop(g, 0.1) * drop(m, 0.3)", "drop(g, 0.3) * drop(m, 0.1)"),
    ("sign(drop(g, 0.5))", "drop(sign(g), 0.5)"),
    ("noise - noise", "g - g"),
    ("noise * g", "g * noise"),
]

DIFFERENT = [
    ("g", "-g"),
    ("g", "m"),
    ("g - m", "m - g"),
    ("1", "-1"),
    ("1", "g - g"),
    ("g", "g**3"),
    ("g", "sign(g)"),
    ("g", "sqrt(g**2)"),
    ("g", "exp(g)"),
    ("g", "ld * g"),
    ("ld * g", "cd * g"),
    ("cd * g", "rd * g"),
    ("b1 = g * m; 2 ** b1", "b1 = g * m; exp(b1)"),
    ("clip(g, 1e-5)", "clip(g, 1e-4)"),
    ("clip(g, 1e-4)", "clip(g, 1e-3)"),
    ("clip(g, 1e-5)", "g"),
    ("clip(g, 1e-5)", "sign(g)"),
    ("clip(g, 1e-4) + m", "clip(g, 1e-5) + m"),
    ("clip(1e-4*w, 1e-5)", "clip(1e-3*w, 1e-5)"),
    ("1e-4*w + g", "1e-3*w + g"),
    ("sign(1e-4*w + g)", "sign(1e-3*w + g)"),
    ("sign(v)", "1"),
    ("sign(g) * sign(g)", "1"),
    ("sign(g) ** 2", "sign(m) ** 2"),
    ("sqrt(g**2)", "-g"),
    ("v", "g**2"),
    ("adam", "m / sqrt(v)"),
    ("rmsprop", "g / sqrt(v)"),
    ("g / v", "g / sqrt(v)"),
    # Delta, and other differences that only a precise comparison detects.
    ("g / exp(m)", "g * exp(-m)"),
    ("g / sign(g)", "sqrt(g**2)"),
    ("g / g", "1"),
    ("m + g / 1", "m + g"),
    ("g", "g + clip(m, 1e-5) * clip(v, 1e-5)"),
    ("1", "b1 = clip(g, 1e-5) ** 2; 1 + b1 * b1"),
    ("g", "b1 = clip(1, 1e-5) ** 2; m * (b1 * b1) + g"),
    ("exp(v)", "exp(v + clip(m, 1e-5) * clip(w4, 1e-5))"),
    ("sign(2 + 1e-4*w)", "1"),
    ("1", "exp(clip(m, 1e-5) * clip(g, 1e-5))"),
    ("1", "b1 = clip(g, 1e-5) * clip(m, 1e-5); g ** b1"),
    # Overflow and underflow.
    ("m + exp(exp(exp(2)))", "g + exp(exp(exp(2)))"),
    ("m * exp(-exp(exp(2)))", "g - g"),
    ("sign(exp(-exp(g)))", "g - g"),
    ("exp(exp(exp(g)))", "exp(exp(g))"),
    # Differences only where a value is exactly zero.
    ("log(g) - log(g)", "g - g"),
    ("g ** sign(g)", "exp(sign(g) * log(g))"),
    ("exp(log(g) - log(g))", "1"),
    ("v ** -1", "1 / v"),
    ("v * v ** -1", "sign(v)"),
    ("drop(log(g), 0.3)", "drop(1, 0.3) * log(g)"),
    # Randomness.
    ("drop(g, 0.1)", "drop(g, 0.3)"),
    ("drop(g, 0.1)", "g"),
    ("drop(g, 0.3) - drop(g, 0.3)", "g - g"),
    ("drop(g, 0.3) - drop(g, 0.3)", "b1 = drop(g, 0.3) * 1; b1 - b1"),
    ("drop(drop(g, 0.3), 0.3)", "drop(g, 0.3)"),
    ("drop(g, 0.3) * drop(m, 0.3)", "drop(g * m, 0.3)"),
    ("drop(g, 0.1) + drop(m, 0.3)", "drop(g, 0.3) + drop(m, 0.1)"),
    ("drop(exp(g), 0.3)", "exp(drop(g, 0.3))"),
    ("noise", "annealed_noise"),
    ("g + noise", "g"),
    ("noise", "-noise"),
]


def parse_short(text):
    return parse(text.replace("w4", "(1e-4*w)"))


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_equal_rules_have_one_key(first, second):
    assert canonical_key(parse_short(first)) == canonical_key(parse_short(second))


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different_rules_have_different_keys(first, second):
    assert canonical_key(parse_short(first)) != canonical_key(parse_short(second))


def test_unused_sides_and_unused_groups_do_not_matter():
    one = Program(("m", "v", "drop_0.1", "log", "/", "g", "b1", "identity", "sqrt", "left"))
    two = Program(("g", "noise", "identity", "drop_0.5", "left"))
    assert canonical_key(one) == canonical_key(two)


def test_masks_are_numbered_the_same_however_a_rule_is_written():
    texts = [
        "drop(g, 0.3) * m + drop(m, 0.3)",
        "drop(m, 0.3) + drop(m, 0.3) * g",
        "drop(m, 0.3) + m * drop(g, 0.3)",
    ]
    assert len({canonical_key(parse(text)) for text in texts}) == 1
    other = parse("b1 = drop(m, 0.3); b1 * g + b1")
    assert canonical_key(other) != canonical_key(parse(texts[0]))


def test_keys_of_many_rules_are_those_of_each_rule():
    programs = numpy_twin.random_programs(200, seed=0)
    programs += programs[:50]
    assert canonical_keys(iter(programs)) == [canonical_key(program) for program in programs]
    assert canonical_keys([]) == []


def test_a_form_that_disagrees_with_the_program_is_not_its_key(monkeypatch):
    assert canonical_key(parse("g * m")) == canonical_key(parse("m * g"))
    monkeypatch.setattr(canonical, "agrees", lambda *_: False)
    assert canonical_key(parse("g * m")) != canonical_key(parse("m * g"))


def test_keys_are_the_same_in_every_process():
    program = "drop(clip(g, 1e-4), 0.3) * exp(sign(g) * sign(m)) / sqrt(v)"
    code = f"import nos_tf; print(nos_tf.canonical_key(nos_tf.parse({program!r})))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "123"}
    )
    assert other.stdout.strip() == canonical_key(parse(program))


def test_keys_do_not_change_between_versions():
    # A resumed search compares keys with those that an earlier version stored.
    assert canonical_key(parse("g")) == "1dad5ee01add43defb65cd69c9d18e00"
    assert canonical_key(parse(POWER_SIGN)) == "dbac427dee868be10de9702f0be109d2"
    assert canonical_key(parse("drop(clip(m, 1e-4), 0.3) / (sqrt(v) + 1)")) == "8b899965ce859fe95c8c2403c0d11ab1"


def test_every_program_gets_a_key():
    programs = numpy_twin.random_programs(2_000, seed=1)
    for program in programs:
        key = canonical_key(program)
        assert len(key) == 32
        assert set(key) <= set("0123456789abcdef")


def test_towers_of_constants_get_keys():
    space = SearchSpace(num_groups=4, operands=("1", "2"), constraints=frozenset({"reuse_groups"}))
    rng = np.random.default_rng(0)
    assert len(canonical_keys([space.sample(rng) for _ in range(1_000)])) == 1_000
