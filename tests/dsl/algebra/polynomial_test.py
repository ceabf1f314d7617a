import math

import pytest

from nos_tf.dsl.algebra.factors import Atom, Factor, UnsafeError
from nos_tf.dsl.algebra.polynomial import ZERO, add, build, constant, exponential, factored, multiply, scale

X, Y, LOG = (build(1.0, [Factor(Atom(name, "operand", singular=name == "l"), 1, 1.0)]) for name in "xyl")


def test_sums_combine_like_terms():
    assert add(X, add(Y, X)) == add(scale(X, 2.0), Y)
    assert add(X, scale(X, -1.0)) == ZERO


def test_products_are_expanded():
    square = multiply(add(X, Y), add(X, Y))
    assert square == add(multiply(X, X), add(multiply(Y, Y), scale(multiply(X, Y), 2.0)))
    assert multiply(add(X, Y), add(X, scale(Y, -1.0))) == add(multiply(X, X), scale(multiply(Y, Y), -1.0))


def test_infinite_terms_neither_cancel_nor_distribute():
    with pytest.raises(UnsafeError):
        add(LOG, scale(LOG, -1.0))
    with pytest.raises(UnsafeError):
        multiply(ZERO, LOG)
    assert len(multiply(LOG, add(X, Y)).terms) == 1
    assert add(LOG, LOG) == scale(LOG, 2.0)


def test_coefficients_out_of_range_are_unsafe():
    with pytest.raises(UnsafeError):
        multiply(scale(X, 1e200), scale(Y, 1e200))


def test_constants_are_factored_out_of_exponentials():
    coefficient, factors = exponential(add(X, constant(2.0)))
    assert coefficient == pytest.approx(math.exp(2.0))
    assert factors == exponential(X)[1]
    assert exponential(constant(1e-9))[0] == 1.0  # Kept as a symbol.
    assert exponential(constant(1e3))[0] == 1.0


def test_sums_are_split_into_scale_and_common_factors():
    first = factored(add(multiply(X, X), multiply(X, Y)))
    second = factored(scale(add(multiply(X, X), multiply(X, Y)), -3.0))
    assert first[1] == second[1]
    assert second[0] == pytest.approx(-3.0 * first[0])
    assert any(factor.atom.key == "x" for factor in first[1])
    assert [factor.atom.kind for factor in first[1]].count("sum") == 1


def test_bounds_of_sums():
    one_plus_square = add(constant(1.0), multiply(X, X))
    assert one_plus_square.bounds == (1.0, math.inf)
    assert ZERO.bounds == (0.0, 0.0)
