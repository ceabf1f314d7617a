"""Checks at fixed random probes that a normal form has the same values as its program.

The probes contain ordinary values, values of all magnitudes, and exact zeros. The program is evaluated through its
primitives and the normal form through the meaning of its atoms, so a mistake in the algebra shows up as a difference.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from nos_tf.dsl.algebra import tolerances
from nos_tf.dsl.algebra.factors import Atom, Factor, Monomial
from nos_tf.dsl.algebra.polynomial import Polynomial, masks
from nos_tf.dsl.numpy_state import NumpyState, bias
from nos_tf.dsl.primitives import AVERAGES, BINARY, DELTA, GROUP_NAMES, MAX_GROUPS, OPERANDS, UNARY, noise_streams
from nos_tf.dsl.program import Program
from nos_tf.dsl.state import Array

_ORDINARY, _SPREAD = 32, 16
_TOTAL_STEPS = 100.0
_SEED = 20170806
_CACHE_SIZE = 1 << 13
# Values that are exactly zero at the last probes; `extra` stands for all averages that are not the paper's.
_ZEROS = (
    ("g",),
    ("m",),
    ("v",),
    ("gamma",),
    ("w", "extra"),
    ("g", "m", "v", "gamma", "extra"),
    ("g", "m"),
    ("g", "w"),
)
_COUNT = _ORDINARY + _SPREAD + len(_ZEROS)
_SHARED_STREAMS = 2


def _state() -> NumpyState:
    return _make_state(tuple(AVERAGES), noise_streams())


@functools.cache
def _make_state(names: tuple[str, ...], streams: tuple[int, ...]) -> NumpyState:
    """The state of one weight tensor whose entries are the probes; the label of a mask is its site.

    Additions to the paper's averages and noise have their own generators, so that they do not change the probes, and
    hence the keys, of rules that do not read them.

    Args:
      names: Names of the running averages.
      streams: Numbers of the noise streams.
    """
    rng = np.random.default_rng(_SEED)
    paper = [name for name in names if not AVERAGES[name].extra]
    arrays = {name: _values(rng, name) for name in ("g", "w", *paper)}
    for name in names:
        if AVERAGES[name].extra:
            arrays[name] = _values(np.random.default_rng([_SEED, *name.encode()]), "extra")
        if math.isfinite(AVERAGES[name].low):
            arrays[name] = AVERAGES[name].low + np.abs(arrays[name])
    for name in ("g", "m"):
        arrays[name][arrays["v"] == 0.0] *= 1e-7  # As small as epsilon, or Adam's direction would overflow.
    step = rng.integers(0, int(_TOTAL_STEPS), _COUNT).astype(np.float64)
    normals = dict(enumerate(rng.normal(size=(_SHARED_STREAMS, _COUNT))))
    normals |= {
        stream: np.random.default_rng([_SEED, stream]).normal(size=_COUNT)
        for stream in streams
        if stream >= _SHARED_STREAMS
    }
    return NumpyState(
        g=arrays["g"],
        w=arrays["w"],
        averages={name: arrays[name] * bias(name, step) for name in names},
        step=step,
        total_steps=_TOTAL_STEPS,
        normals=normals,
        uniforms=rng.random((2 * MAX_GROUPS, _COUNT)),
    )


def _values(rng: np.random.Generator, name: str) -> np.ndarray:
    """Ordinary values, values of all magnitudes, and ordinary values with exact zeros."""
    spread = rng.choice([-1.0, 1.0], _SPREAD) * 10.0 ** rng.uniform(-6.0, 1.0, _SPREAD)
    values = np.concatenate([rng.normal(size=_ORDINARY), spread, rng.normal(size=len(_ZEROS))])
    values[_ORDINARY + _SPREAD :][[name in names for names in _ZEROS]] = 0.0
    return values


def agrees(program: Program, form: Polynomial, mask_labels: tuple[int, ...]) -> bool:
    """Whether a program and its normal form have the same values at all probes where they do not overflow.

    Args:
      program: The rule.
      form: Its normal form.
      mask_labels: Labels of the random masks used to make the normal form.
    """
    with np.errstate(all="ignore"):
        groups = _group_values(program, mask_labels)
        expected, actual = np.broadcast_arrays(groups[-1], _value(form))
        is_finite = np.isfinite(expected) & np.isfinite(actual)
        if expected.ndim and (np.isfinite(expected) != np.isfinite(actual))[-len(_ZEROS) :].any():
            return False
        difference = np.abs(expected - actual)
        wrong = is_finite & (
            difference > tolerances.AGREEMENT * np.maximum(np.abs(expected), np.abs(actual)) + tolerances.UNDERFLOW
        )
        if not wrong.any():
            return True
        # What remains of larger values that canceled is not a difference.
        parts = groups + [coefficient * _product(monomial) for monomial, coefficient in form.terms]
        largest = functools.reduce(np.maximum, [np.abs(part) for part in parts])
        return not (wrong & (difference > tolerances.CANCELLATION_ROUNDING * largest)).any()


def _group_values(program: Program, mask_labels: tuple[int, ...]) -> list[Array]:
    """Values of the groups that the update depends on; the last one is the update."""
    values: dict[str, Array] = {}
    for index in program.live_groups:
        group = program.groups[index]
        sides = []
        for side, name, unary in group.sides():
            label = mask_labels[2 * index + side] if UNARY[unary].stochastic else 0
            if name in values:
                sides.append(UNARY[unary].compute(_state().at_site(label), values[name]))
            else:
                sides.append(_side(OPERANDS[name].compute, UNARY[unary].compute, label))
        name = GROUP_NAMES[index] if index < len(GROUP_NAMES) else ""
        values[name] = BINARY[group.binary].compute(_state(), sides[0], sides[-1])
    return list(values.values())


def _value(polynomial: Polynomial) -> Array:
    total: Array = np.float64(0.0)
    for monomial, coefficient in polynomial.terms:
        total = total + coefficient * _product(monomial)
    return total


def _product(monomial: Monomial) -> Array:
    return functools.reduce(np.multiply, [_factor(factor) for factor in monomial.factors], np.float64(1.0))


@functools.lru_cache(_CACHE_SIZE)
def _side(operand: Callable[..., Array], unary: Callable[..., Array], label: int) -> Array:
    state = _state()
    return unary(state.at_site(label), operand(state))


@functools.lru_cache(_CACHE_SIZE)
def _factor(factor: Factor) -> Array:
    atom = _atom(factor.atom)
    value = np.abs(atom) ** factor.power if factor.power else np.float64(1.0)
    if factor.sign:
        value = value * np.sign(atom) ** factor.sign
    return np.where(atom == 0.0, np.nan, value) if factor.undefined else value


@functools.lru_cache(_CACHE_SIZE)
def _atom(atom: Atom) -> Array:
    arguments, state = atom.arguments, _state()
    match atom.kind:
        case "operand":
            return OPERANDS[atom.key].compute(state) if atom.key in OPERANDS else getattr(state, atom.key)
        case "mask":
            name, label = arguments
            return UNARY[name].compute(state.at_site(label), np.ones(_COUNT))
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
    name, *inputs = arguments
    if name in BINARY:
        return BINARY[name].compute(state, *map(_value, inputs))
    if UNARY[name].stochastic:
        (label,) = (label for _, label in masks(inputs[1]))
        state = state.at_site(label)
    return UNARY[name].compute(state, _value(inputs[0]))
