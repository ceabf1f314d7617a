"""Fixed random probes: does a normal form have the values of the program that it was made from?

The probes hold ordinary values, values of all magnitudes, and exact zeros. A program is evaluated by its primitives,
its normal form by the meaning of its atoms, so a mistake in the algebra shows as a difference.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from nos_tf.dsl.factors import Atom, Factor, Monomial
from nos_tf.dsl.polynomial import Polynomial
from nos_tf.dsl.primitives import BINARY, DELTA, MAX_GROUPS, OPERANDS, UNARY, Array
from nos_tf.dsl.program import Program, evaluate

_ORDINARY, _SPREAD = 32, 16
_TOTAL_STEPS = 100.0
_TOLERANCE = 1e-6
_ROUNDING = 1e-12
_UNDERFLOW = 1e-200
_CACHE_SIZE = 1 << 13
# What is exactly zero at the last probes.
_ZEROS = (("g",), ("m",), ("v",), ("gamma",), ("w",), ("g", "m", "v", "gamma"), ("g", "m"), ("g", "w"))


@dataclasses.dataclass(frozen=True)
class _ProbeState:
    """The `State` of one weight tensor whose entries are the probes."""

    arrays: dict[str, np.ndarray]
    uniforms: np.ndarray
    mask_labels: tuple[int, ...] = (0,) * (2 * MAX_GROUPS)
    site: int = 0
    xp: Any = np

    @property
    def g(self) -> np.ndarray:
        return self.arrays["g"]

    @property
    def w(self) -> np.ndarray:
        return self.arrays["w"]

    @property
    def step(self) -> np.ndarray:
        return self.arrays["step"]

    @property
    def total_steps(self) -> Array:
        return np.float64(_TOTAL_STEPS)

    def constant(self, value: float) -> Array:
        return np.float64(value)

    def average(self, name: str) -> np.ndarray:
        return self.arrays[name] * self.bias(name)

    def bias(self, name: str) -> np.ndarray:
        return 1.0 - (0.9 if name == "m" else 0.999) ** (self.step + 1.0)

    def normal(self, stream: int) -> np.ndarray:
        return self.arrays["normals"][stream]

    def uniform(self) -> np.ndarray:
        return self.uniforms[self.mask_labels[self.site]]

    def at_site(self, site: int) -> _ProbeState:
        return dataclasses.replace(self, site=site)


def _make_state() -> _ProbeState:
    rng = np.random.default_rng(20170806)
    count = _ORDINARY + _SPREAD + len(_ZEROS)
    arrays = {}
    for name in ("g", "w", "m", "v", "gamma"):
        spread = rng.choice([-1.0, 1.0], _SPREAD) * 10.0 ** rng.uniform(-6.0, 1.0, _SPREAD)
        arrays[name] = np.concatenate([rng.normal(size=_ORDINARY), spread, rng.normal(size=len(_ZEROS))])
        for row, names in enumerate(_ZEROS):
            if name in names:
                arrays[name][_ORDINARY + _SPREAD + row] = 0.0
    arrays["v"] = np.abs(arrays["v"])
    for name in ("g", "m"):
        arrays[name][arrays["v"] == 0.0] *= 1e-7  # As small as epsilon, or the direction of Adam would overflow.
    arrays["step"] = rng.integers(0, int(_TOTAL_STEPS), count).astype(np.float64)
    arrays["normals"] = rng.normal(size=(2, count))
    return _ProbeState(arrays, rng.random((2 * MAX_GROUPS, count)))


_STATE = _make_state()


def agrees(program: Program, form: Polynomial, mask_labels: tuple[int, ...]) -> bool:
    """Whether program and normal form have the same values at all probes, where these do not overflow.

    Args:
      program: The rule.
      form: Its normal form.
      mask_labels: The labels of the random masks that the normal form was made with.
    """
    state = dataclasses.replace(_STATE, mask_labels=mask_labels)
    with np.errstate(all="ignore"):
        expected, actual = np.broadcast_arrays(evaluate(program, state), _value(form))
        is_finite = np.isfinite(expected) & np.isfinite(actual)
        if expected.ndim and (np.isfinite(expected) != np.isfinite(actual))[-len(_ZEROS) :].any():
            return False
        difference = np.abs(expected - actual)
        wrong = is_finite & (difference > _TOLERANCE * np.maximum(np.abs(expected), np.abs(actual)) + _UNDERFLOW)
        if not wrong.any():
            return True
        # What larger values left when they cancelled is no difference.
        parts = [evaluate(Program(program.tokens[: 5 * (index + 1)]), state) for index in program.live_groups]
        parts += [coefficient * _product(monomial) for monomial, coefficient in form.terms]
        largest = functools.reduce(np.maximum, [np.abs(part) for part in parts])
        return not (wrong & (difference > _ROUNDING * largest)).any()


def _value(polynomial: Polynomial) -> Array:
    total: Array = np.float64(0.0)
    for monomial, coefficient in polynomial.terms:
        total = total + coefficient * _product(monomial)
    return total


def _product(monomial: Monomial) -> Array:
    return functools.reduce(np.multiply, [_factor(factor) for factor in monomial.factors], np.float64(1.0))


def _factor(factor: Factor) -> Array:
    atom = _atom(factor.atom)
    value = np.abs(atom) ** factor.power if factor.power else np.float64(1.0)
    if factor.sign:
        value = value * np.sign(atom) ** factor.sign
    return np.where(atom == 0.0, np.nan, value) if factor.undefined else value


@functools.lru_cache(_CACHE_SIZE)
def _atom(atom: Atom) -> Array:
    arguments = atom.arguments
    match atom.kind:
        case "operand":
            return _STATE.w if atom.key == "w" else OPERANDS[atom.key].compute(_STATE)
        case "mask":
            return np.where(_STATE.uniforms[arguments[1]] < arguments[0], 0.0, 1.0)
        case "sum":
            return _value(arguments[0])
        case "exp":
            return np.exp(_value(arguments[0]))
        case "log":
            return np.log(_factor(arguments[0]))
        case "reciprocal":
            return 1.0 / (_value(arguments[0]) + DELTA)
        case "power":
            return _factor(arguments[0]) ** _value(arguments[1])
        case "clip":
            return np.minimum(_product(arguments[0]), arguments[1])
    name, values = arguments[0], [_value(argument) for argument in arguments[1:]]
    if name in BINARY:
        return BINARY[name].compute(_STATE, *values)
    if UNARY[name].stochastic:
        return np.where(values[1] == 0.0, 0.0, values[0])
    return UNARY[name].compute(_STATE, *values)
