import pytest

from nos_tf.dsl.algebra import identities
from nos_tf.dsl.algebra.factors import Atom, Factor, UnsafeError
from nos_tf.dsl.algebra.polynomial import ZERO, add, build, constant, multiply, scale

X, Y = (build(1.0, [Factor(Atom(name, "operand"), 1, 1.0)]) for name in "xy")


def test_signs_of_products_are_products_of_signs():
    assert identities.sign(scale(multiply(X, Y), -2.0)) == scale(multiply(identities.sign(X), identities.sign(Y)), -1.0)
    assert identities.sign(identities.sign(X)) == identities.sign(X)
    assert identities.sign(ZERO) == ZERO


def test_exponentials_undo_logarithms():
    assert identities.exp(identities.log(X)) == identities.constant_power(X, 1.0)
    assert identities.log(identities.exp(add(X, Y))) == add(X, Y)


def test_powers_of_powers():
    assert identities.constant_power(identities.constant_power(X, 0.5), 4.0) == multiply(X, X)
    assert identities.constant_power(scale(X, -8.0), 1.0 / 3.0) == scale(identities.constant_power(X, 1.0 / 3.0), 2.0)


def test_powers_of_zero():
    assert identities.power(ZERO, constant(2.0)) == ZERO
    assert identities.power(ZERO, ZERO) == constant(1.0)
    for exponent in (constant(-1.0), X):
        with pytest.raises(UnsafeError):
            identities.power(ZERO, exponent)


def test_clips_of_scaled_values():
    assert identities.clip(scale(X, -2.0), 1e-4) == scale(identities.clip(X, 5e-5), -2.0)
    assert identities.clip(identities.clip(X, 1e-4), 1e-3) == identities.clip(X, 1e-4)
    assert identities.clip(constant(-3.0), 1e-4) == constant(-1e-4)


def test_functions_of_products_with_infinite_factors_are_unsafe():
    product = multiply(X, identities.log(X))  # NaN at zero, where the product of the signs is zero.
    for function in (identities.sign, lambda x: identities.clip(x, 1e-4)):
        with pytest.raises(UnsafeError):
            function(product)


def test_division_by_constants():
    assert identities.divide(X, constant(1.0)) == scale(X, 1.0 / (1.0 + 1e-8))
    assert identities.divide(X, ZERO) == scale(X, 1e8)
    with pytest.raises(UnsafeError):
        identities.divide(X, constant(-1e-8))
