import dataclasses
import math

import numpy as np
import pytest

from nos_tf.dsl import evaluate, parse
from nos_tf.dsl.entries import base_names
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import AVERAGES, BINARY, DELTA, OPERANDS, UNARY
from tests.dsl import numpy_twin

TOTAL_STEPS = 50


def trajectory(steps, seed, size=64):
    """Yields the twin's state and operands at each step, with gradients that change sign and are sometimes zero."""
    rng = np.random.default_rng(seed)
    averages = numpy_twin.Averages.zeros((size,))
    for step in range(steps):
        g = rng.normal(size=size) * 10.0 ** rng.uniform(-6, 1, size)
        g[rng.random(size) < 0.1] = 0.0
        w = rng.normal(size=size)
        normals = rng.normal(size=(2, size))
        operands = averages.operands(g, w, TOTAL_STEPS, normals[0], normals[1])
        state = NumpyState(
            g=g,
            w=w,
            averages={name: getattr(averages, name) for name in AVERAGES},
            step=np.float64(step),
            total_steps=TOTAL_STEPS,
            normals=dict(enumerate(normals)),
            uniforms=rng.random((8, size)),
        )
        yield state, operands


VALUES = np.array([0.0, 1.0, -1.0, 1e-5, -1e-5, 1.1e-4, -9e-4, 2e-3, 0.5, -3.0, 40.0, -1e3, 1e-8, 1e-300])


def test_operands_equal_their_twins_along_a_trajectory():
    for state, expected in trajectory(30, seed=0):
        for name, operand in OPERANDS.items():
            np.testing.assert_allclose(
                np.broadcast_to(operand.compute(state), state.g.shape),
                expected[name],
                rtol=1e-12,
                atol=1e-14 if name == "nesterov" else 0.0,  # Its terms may cancel.
                err_msg=name,
            )


@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_equal_their_twins(name):
    state = next(trajectory(1, seed=1, size=VALUES.size))[0]
    with np.errstate(all="ignore"):
        actual = UNARY[name].compute(state.at_site(3), VALUES)
        if UNARY[name].stochastic:
            expected = numpy_twin.drop(VALUES, state.uniforms[3] >= numpy_twin.DROPS[name])
        else:
            expected = numpy_twin.UNARY[name](VALUES)
    np.testing.assert_allclose(actual, expected, rtol=1e-15)


@pytest.mark.parametrize("name", BINARY)
def test_binary_functions_equal_their_twins(name):
    x, y = (array.ravel() for array in np.meshgrid(VALUES, VALUES))
    state = next(trajectory(1, seed=1))[0]
    with np.errstate(all="ignore"):
        actual, expected = BINARY[name].compute(state, x, y), numpy_twin.BINARY[name](x, y)
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


def test_every_entry_has_a_twin():
    _, operands = next(trajectory(1, seed=0))
    assert set(operands) == set(OPERANDS)
    assert set(numpy_twin.UNARY) | set(numpy_twin.DROPS) == set(UNARY)
    assert {name for name, entry in UNARY.items() if entry.stochastic} == set(numpy_twin.DROPS)
    assert set(numpy_twin.BINARY) == set(BINARY)


def test_the_tables_are_those_of_the_paper():
    assert base_names(OPERANDS) == (
        (
            "g",
            "g**2",
            "g**3",
            "m",
            "v",
            "gamma",
            "sign(g)",
            "sign(m)",
            "1",
            "2",
            "noise",
            "1e-4*w",
            "1e-3*w",
            "1e-2*w",
            "1e-1*w",
            "adam",
            "rmsprop",
        )
    )
    assert tuple(OPERANDS) == (*base_names(OPERANDS), "ld", "cd", "rd", "annealed_noise", "nesterov", "lion")
    assert list(UNARY) == (
        [
            "identity",
            "neg",
            "exp",
            "log",
            "sqrt",
            "clip_1e-5",
            "clip_1e-4",
            "clip_1e-3",
            "drop_0.1",
            "drop_0.3",
            "drop_0.5",
            "sign",
        ]
    )
    assert list(BINARY) == ["+", "-", "*", "/", "**", "left"]
    assert DELTA == 1e-8


def test_operands_declare_the_averages_that_they_read():
    class Recorder(dict):
        def __getitem__(self, name):
            read.add(name)
            return super().__getitem__(name)

    state = next(trajectory(1, seed=2))[0]
    for name, operand in OPERANDS.items():
        read = set()
        total_steps = state.total_steps if operand.needs_total_steps else None
        operand.compute(dataclasses.replace(state, averages=Recorder(state.averages), total_steps=total_steps))
        assert read == operand.slots, name


def test_decays_at_known_steps():
    state = next(trajectory(1, seed=0))[0]
    values = {}
    for step in (0, 10, 25, 49, 50, 60):
        at_step = dataclasses.replace(state, step=np.float64(step))
        values[step] = [float(OPERANDS[name].compute(at_step)) for name in ("ld", "cd", "rd")]
    assert values[0] == pytest.approx([1.0, 1.0, 1.0])
    # 10 of 50 steps, with ten restarts: (10 * 10) mod 50 is 0, so rd restarts.
    assert values[10] == pytest.approx([0.8, 0.5 * (1 + math.cos(0.2 * math.pi)), 1.0])
    assert values[25] == pytest.approx([0.5, 0.5, 1.0])
    assert values[49][:2] == pytest.approx([0.02, 0.5 * (1 + math.cos(0.98 * math.pi))])
    assert values[50][:2] == values[60][:2] == pytest.approx([0.0, 0.0])


def test_noise_has_the_standard_deviation_of_the_paper():
    rng = np.random.default_rng(0)
    state = next(trajectory(1, seed=0))[0]
    state = dataclasses.replace(state, normals=dict(enumerate(rng.normal(size=(2, 200_000)))))
    assert np.std(OPERANDS["noise"].compute(state)) == pytest.approx(0.1, rel=0.01)
    for step in (0, 9):
        at_step = dataclasses.replace(state, step=np.float64(step))
        expected = (1.0 + step) ** -0.275
        assert np.std(OPERANDS["annealed_noise"].compute(at_step)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("max_groups", [1, 4])
def test_programs_equal_their_twins(max_groups):
    *_, (state, operands) = trajectory(3, seed=4)

    def keep(rate, site):
        return state.uniforms[site] >= rate

    for program in numpy_twin.random_programs(400, seed=3, max_groups=max_groups):
        with np.errstate(all="ignore"):
            actual = np.broadcast_to(evaluate(program, state), state.g.shape)
            expected = numpy_twin.update(program, operands, keep)
            finite = np.isfinite(actual) & np.isfinite(expected)
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected), err_msg=str(program))
        np.testing.assert_allclose(actual[finite], expected[finite], rtol=1e-6, atol=1e-9, err_msg=str(program))


def test_a_dropped_infinity_is_zero():
    state = dataclasses.replace(next(trajectory(1, seed=0))[0], g=np.zeros(64))
    with np.errstate(divide="ignore"):
        value = evaluate(parse("drop(left(log(g), 1), 0.5)"), state)
    is_dropped = state.uniforms[2] < 0.5
    np.testing.assert_array_equal(value[is_dropped], 0.0)
    assert np.all(np.isneginf(value[~is_dropped]))
