import pytest

from nos_tf.dsl import parse
from nos_tf.dsl.algebra.normal_form import normal_form
from nos_tf.dsl.algebra.polynomial import masks

LABELS = tuple(range(8))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("g - g", ""),
        ("g", "1 g^1,1"),
        ("g * g + 2 * m", "1 g^0,2 + 2 m^1,1"),
        ("sqrt(g) / 1", "0.9999999900000001 g^0,0.5"),
        ("sign(v)", "1 v^2,0"),
        ("-clip(1e-2*w, 1e-4)", "-0.01 clip[w^0,1; 0.01]^0,1*w^1,0"),
        ("exp(2 * g)", "1 exp[2 g^1,1]^0,1"),
        ("drop(g, 0.3)", "1 g^1,1*mask0.3#0^2,0"),
    ],
)
def test_keys(text, key):
    terms = dict(reversed(term.split(" ", 1)) for term in key.split(" + ") if term)
    found = {monomial.key: coefficient for monomial, coefficient in normal_form(parse(text), LABELS).terms}
    assert found == pytest.approx({name: float(number) for name, number in terms.items()})


def test_masks_that_the_update_reads():
    assert masks(normal_form(parse("g * m"), LABELS)) == frozenset()
    form = normal_form(parse("drop(g, 0.3) + exp(drop(m, 0.1))"), LABELS)
    assert masks(form) == {("drop_0.1", 0), ("drop_0.3", 2)}
    assert masks(normal_form(parse("b1 = drop(g, 0.3) * 1; b1 - b1"), LABELS)) == frozenset()
