import math

import pytest

from nos_tf.dsl.algebra.factors import Atom, Factor, Monomial, UnsafeError, add_numbers, multiply_in, normal_factor

X = Atom("x", "operand")
POSITIVE = Atom("p", "operand", low=1.0, high=3.0, may_vanish=False)
INFINITE = Atom("i", "operand", singular=True)


def _product(*factors):
    merged = {}
    for factor in factors:
        multiply_in(merged, factor)
    return tuple(merged.values())


@pytest.mark.parametrize(
    ("first", "second", "product"),
    [
        (Factor(X, 1, 1.0), Factor(X, 1, 1.0), (Factor(X, 0, 2.0),)),
        (Factor(X, 1, 0.0), Factor(X, 0, 1.0), (Factor(X, 1, 1.0),)),
        (Factor(X, 1, 0.0), Factor(X, 1, 0.0), (Factor(X, 2, 0.0),)),
        (Factor(X, 2, 0.0), Factor(X, 1, 0.0), (Factor(X, 1, 0.0),)),
        (Factor(X, 2, 0.0), Factor(X, 2, 0.0), (Factor(X, 2, 0.0),)),
        (Factor(X, 2, 0.0), Factor(X, 0, 0.5), (Factor(X, 0, 0.5),)),
        (Factor(X, 0, -1.0), Factor(X, 0, -1.0), (Factor(X, 0, -2.0),)),
        (Factor(X, 0, 2.0), Factor(X, 0, -1.0), (Factor(X, 0, 1.0, True),)),
        (Factor(X, 0, 1.0), Factor(X, 0, -1.0), (Factor(X, 0, 0.0, True),)),
        (Factor(X, 1, 0.0), Factor(X, 0, -1.0), (Factor(X, 1, -1.0, True),)),
        (Factor(POSITIVE, 0, 1.0), Factor(POSITIVE, 0, -1.0), ()),
        (Factor(POSITIVE, 0, 0.1), Factor(POSITIVE, 0, 0.2), (Factor(POSITIVE, 0, 0.3),)),
    ],
)
def test_products_of_powers_of_one_atom(first, second, product):
    assert _product(first, second) == product
    assert _product(second, first) == product


def test_infinity_is_not_divided_by_itself():
    with pytest.raises(UnsafeError):
        _product(Factor(INFINITE, 0, 1.0), Factor(INFINITE, 0, -1.0))


def test_signs_of_nonnegative_values():
    assert normal_factor(POSITIVE, 1, 0.0) is None
    assert normal_factor(POSITIVE, 1, 2.0) == Factor(POSITIVE, 0, 2.0)
    not_negative = Atom("n", "operand", low=0.0)
    assert normal_factor(not_negative, 1, 0.0) == Factor(not_negative, 2, 0.0)


@pytest.mark.parametrize(
    ("factors", "bounds"),
    [
        ((), (1.0, 1.0)),
        ((Factor(X, 1, 1.0),), (-math.inf, math.inf)),
        ((Factor(X, 0, 1.0),), (0.0, math.inf)),
        ((Factor(X, 1, 0.0),), (-1.0, 1.0)),
        ((Factor(X, 2, 0.0),), (0.0, 1.0)),
        ((Factor(POSITIVE, 0, 2.0),), (1.0, 9.0)),
        ((Factor(POSITIVE, 0, -1.0),), (1.0 / 3.0, 1.0)),
        ((Factor(POSITIVE, 0, 1.0), Factor(X, 1, 0.0)), (-3.0, 3.0)),
        ((Factor(INFINITE, 0, 1.0),), (-math.inf, math.inf)),
    ],
)
def test_bounds(factors, bounds):
    assert Monomial(factors).bounds == pytest.approx(bounds)


def test_numbers_that_lose_digits_are_not_added():
    assert add_numbers(0.1 + 0.2, -0.3, singular=False) == 0.0
    assert add_numbers(1.0, 2.0, singular=True) == 3.0
    for left, right, singular in ((1.0, 1e-8, False), (1.0, -0.99999, False), (2.0, -1.0, True)):
        with pytest.raises(UnsafeError):
            add_numbers(left, right, singular)
