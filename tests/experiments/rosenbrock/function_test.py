import numpy as np
import pytest
import scipy.optimize

from experiments.rosenbrock import function

POINTS = np.random.default_rng(0).uniform(-2.0, 2.0, (50, 2))


def test_value_and_gradient_agree_with_scipy() -> None:
    x, y = POINTS.T
    np.testing.assert_allclose(function.value(x, y), scipy.optimize.rosen(POINTS.T), rtol=1e-12)
    np.testing.assert_allclose(np.stack(function.gradient(x, y)), scipy.optimize.rosen_der(POINTS.T), rtol=1e-12)


@pytest.mark.parametrize("point", POINTS[:10].tolist())
def test_gradient_agrees_with_finite_differences(point: list[float]) -> None:
    numeric = scipy.optimize.approx_fprime(np.array(point), lambda w: function.value(w[0], w[1]), 1e-8)
    np.testing.assert_allclose(function.gradient(*point), numeric, rtol=1e-5, atol=1e-4)


def test_minimum_and_start() -> None:
    assert function.value(1.0, 1.0) == 0.0
    assert function.gradient(1.0, 1.0) == (0.0, 0.0)
    assert function.value(*function.START) == pytest.approx(24.2)
