"""The optimizers of the zoo."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import nos_tf
from nos_tf.dsl import parse
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.optimizers import AddSign, PowerSign, ProgramOptimizer, get, names
from tests.dsl import numpy_twin
from tests.optimizers.reference import trace

TRACE = trace(seed=5)


def clip(x: np.ndarray, limit: float) -> np.ndarray:
    return np.clip(x, -limit, limit)


# The 16 rules in the Wide ResNet table as printed there; `keep` returns the mask of a drop by its rate.
TABLE = {
    "powersign-plus-clip-g": lambda o, keep: (np.exp(o["sign(g)"] * o["sign(m)"]) + clip(o["g"], 1e-4)) * o["g"],
    "clip-m-exp-v": lambda o, keep: clip(o["m"], 1e-4) * np.exp(o["v"]),
    "m-exp-v": lambda o, keep: o["m"] * np.exp(o["v"]),
    "powersign": lambda o, keep: o["g"] * np.exp(o["sign(g)"] * o["sign(m)"]),
    "powersign-drop-0.3": lambda o, keep: keep(0.3) * o["g"] * np.exp(o["sign(g)"] * o["sign(m)"]),
    "m-exp-g2": lambda o, keep: o["m"] * np.exp(o["g"] ** 2),
    "drop-m-over-exp-g2": lambda o, keep: keep(0.1) * o["m"] / (np.exp(o["g"] ** 2) + 1e-8),
    "powersign-drop-0.1": lambda o, keep: keep(0.1) * o["g"] * np.exp(o["sign(g)"] * o["sign(m)"]),
    "clip-rmsprop-plus-drop-m": lambda o, keep: clip(o["rmsprop"], 1e-5) + keep(0.3) * o["m"],
    "adam-powersign": lambda o, keep: o["adam"] * np.exp(o["sign(g)"] * o["sign(m)"]),
    "adam-exp-m": lambda o, keep: o["adam"] * np.exp(o["m"]),
    "g-plus-drop-m": lambda o, keep: o["g"] + keep(0.3) * o["m"],
    "drop-m-exp-g3": lambda o, keep: keep(0.1) * o["m"] * np.exp(o["g"] ** 3),
    "g-minus-clip-g2": lambda o, keep: o["g"] - clip(o["g"] ** 2, 1e-4),
    "exp-g-minus-exp-m": lambda o, keep: np.exp(o["g"]) - np.exp(o["m"]),
    "drop-m-exp-w": lambda o, keep: keep(0.3) * o["m"] * np.exp(1e-3 * TRACE.weights),
}

FOUND = {"found-sign-m-drop-rmsprop": lambda o, keep: o["sign(m)"] + keep(0.3) * o["rmsprop"]}
FORMULAS = TABLE | FOUND


@pytest.mark.parametrize("name", FORMULAS)
def test_rules_equal_their_formulas(name: str) -> None:
    masks = {rate: np.random.default_rng(0).uniform(size=[100, 12]) >= rate for rate in (0.1, 0.3, 0.5)}
    program = parse(NAMED_RULES[name].text)
    operands = TRACE.operands
    value = numpy_twin.update(program, operands, lambda rate, site: masks[rate])
    np.testing.assert_allclose(value, FORMULAS[name](operands, lambda rate: masks[rate]), rtol=1e-7, atol=1e-300)


def test_names_are_complete() -> None:
    family = {
        f"{name}{decay}"
        for name in ("powersign", "powersign2", "addsign", "addsign2")
        for decay in ("", "-ld", "-cd", "-rd10", "-rd20")
    }
    later = {"nesterov", "adamw", "lion"}
    known = {"sgd", "momentum", "rmsprop", "rmsprop-nasnet", "adam"}
    assert set(names()) == known | set(TABLE) | set(FOUND) | family | later
    assert len(TABLE) == 16


@pytest.mark.parametrize("name", names())
def test_every_name_builds_with_the_slots_that_it_needs(name: str) -> None:
    optimizer = get(name, learning_rate=0.25, total_steps=10)
    variable = tf.Variable([1.0, 2.0])
    optimizer.build([variable])
    count = sum(1 for v in optimizer.variables if len(v.shape))
    slots = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2, "adam-powersign": 2, "adam-exp-m": 2}
    slots |= {"clip-m-exp-v": 2, "m-exp-v": 2, "clip-rmsprop-plus-drop-m": 2, "g-minus-clip-g2": 0}
    slots |= {"rmsprop-nasnet": 2, "found-sign-m-drop-rmsprop": 2}
    assert count == slots.get(name, 1)
    assert float(optimizer.learning_rate) == 0.25
    optimizer.apply_gradients([(tf.constant([0.5, -0.5]), variable)])
    assert np.isfinite(variable).all()


def test_momentum_is_that_of_the_paper_unless_another_one_is_given() -> None:
    optimizer = get("momentum", learning_rate=0.1)
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, False)
    assert get("momentum", learning_rate=0.1, momentum=0.95).momentum == 0.95
    assert get("rmsprop-nasnet", learning_rate=0.1, rho=0.8).rho == 0.8


def test_rmsprop_of_nasnet_has_decay_and_momentum_0_9_and_epsilon_1() -> None:
    optimizer, variable = get("rmsprop-nasnet", learning_rate=0.1), tf.Variable([1.0])
    weight, mean_square, momentum = 1.0, 0.0, 0.0
    for gradient in (0.5, -2.0, 3.0):
        optimizer.apply_gradients([(tf.constant([gradient]), variable)])
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        momentum = 0.9 * momentum + 0.1 * gradient / np.sqrt(mean_square + 1.0)
        weight -= momentum
    np.testing.assert_allclose(variable.numpy(), [weight], rtol=1e-6)


def test_variants_of_the_sign_family() -> None:
    assert get("powersign").base == pytest.approx(np.e)
    assert get("powersign2-cd", total_steps=5).base == 2.0
    assert get("addsign").alpha == 1.0
    assert get("addsign2-rd20", total_steps=5).alpha == 2.0
    assert get("addsign2-rd20", total_steps=5).sign_decay == "rd20"
    assert isinstance(get("powersign-ld", total_steps=5), PowerSign)
    assert isinstance(get("addsign-ld", total_steps=5), AddSign)


def test_rule_instead_of_a_name() -> None:
    for rule in ("exp(g) * m", parse("exp(g) * m")):
        optimizer = get(rule, beta_1=0.5)
        assert isinstance(optimizer, ProgramOptimizer)
        assert str(optimizer.program) == "exp(g) * m"
        assert optimizer.betas["m"] == 0.5


def test_neither_name_nor_rule() -> None:
    with pytest.raises(
        ValueError, match=r"^Unknown optimizer or rule; did you mean 'powersign-cd'.*Received: 'powersign-cb'$"
    ):
        get("powersign-cb")
    with pytest.raises(ValueError, match=r"^Cannot parse the rule ''\. The rule is empty"):
        get("")
    with pytest.raises(ValueError, match=r"^Cannot parse the rule 'g \+ adm'\. Unknown name; did you mean 'adam'"):
        get("g + adm")


def test_decay_needs_total_steps() -> None:
    with pytest.raises(ValueError, match=r"Received: total_steps=None$"):
        get("powersign-cd")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("powersign", {"powersign"}),
        ("*Sign2-[cl]d", {"powersign2-cd", "powersign2-ld", "addsign2-cd", "addsign2-ld"}),
        ("?gd", {"sgd"}),
        ("sign", set()),
    ],
)
def test_names_match_a_pattern(pattern: str, expected: set[str]) -> None:
    assert set(names(pattern)) == expected


def test_names_that_contain_a_word() -> None:
    assert names("*sign*") == tuple(name for name in names() if "sign" in name)
    assert len(names("*sign*")) > 20


def test_the_package_exports_it() -> None:
    assert nos_tf.optimizers.get is get
