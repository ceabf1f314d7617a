import pytest

from nos_tf.dsl import parse
from nos_tf.dsl.algebra.normal_form import normal_form
from nos_tf.dsl.algebra.polynomial import add, scale
from nos_tf.dsl.algebra.probes import agrees
from tests.dsl import numpy_twin

LABELS = tuple(range(8))


def test_normal_forms_agree_with_nearly_all_programs():
    programs = numpy_twin.random_programs(1_000, seed=2)
    count = sum(agrees(program, normal_form(program, LABELS), LABELS) for program in programs)
    assert count >= 990  # The others lose their digits to cancellation or overflow.


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("g", "-g"),
        ("g", "2 * g"),
        ("clip(g, 1e-4)", "clip(g, 1e-3)"),
        ("sign(v)", "1"),
        ("sqrt(g**2)", "g"),
        ("g ** sign(g)", "exp(sign(g) * log(g))"),
        ("exp(g) + m", "exp(g) + sqrt(m * m)"),
        ("drop(g, 0.3)", "g"),
        ("drop(g, 0.3)", "drop(g, 0.5)"),
        ("log(g) - log(g)", "g - g"),
        ("v / sqrt(v)", "sqrt(v)"),
    ],
)
def test_the_normal_form_of_another_rule_does_not_agree(text, other):
    program = parse(text)
    assert agrees(program, normal_form(program, LABELS), LABELS)
    assert not agrees(program, normal_form(parse(other), LABELS), LABELS)


def test_a_small_mistake_is_detected():
    program = parse("exp(m) * g + clip(v, 1e-3)")
    form = normal_form(program, LABELS)
    mistake = scale(normal_form(parse("clip(v, 1e-3)"), LABELS), 1e-3)
    assert not agrees(program, add(form, mistake), LABELS)


def test_masks_are_distinguished():
    program = parse("drop(g, 0.3) - drop(g, 0.3)")
    assert not agrees(program, normal_form(program, (0,) * 8), LABELS)
