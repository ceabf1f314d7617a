"""Responses of many rules to the fixed streams of gradients, computed together.

Rules in a batch share the values of operands under unary functions, so that a rule with one group costs a single binary
operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY
from nos_tf.dsl.program import Program
from nos_tf.evaluation.gradient_streams import streams

_BATCH = 256  # Number of rules whose values fit into a core's caches.
_SMALLEST = np.finfo(np.float32).tiny  # TensorFlow's kernels flush smaller values to zero.


def responses(programs: Sequence[Program]) -> Iterator[np.ndarray]:
    """Yields the updates of one batch of rules after another, in order, float32 `[rules, entries]`."""
    sides: dict[tuple[str, str, int], np.ndarray] = {}
    for start in range(0, len(programs), _BATCH):
        with np.errstate(all="ignore"):
            values = _values(programs[start : start + _BATCH], streams().state, sides)
        yield values


def _values(
    programs: Sequence[Program], state: NumpyState, sides: dict[tuple[str, str, int], np.ndarray]
) -> np.ndarray:
    shape = (len(programs), len(state.g))
    groups = max(program.num_groups for program in programs)
    earlier = [np.empty(shape, np.float32) for _ in range(groups)]
    result = np.empty(shape, np.float32)
    pair = np.empty((2, *shape), np.float32)
    for index in range(groups):
        computed: dict[tuple[int, str, str], list[int]] = {}
        binary: dict[str, list[int]] = {}
        last = []
        for row, program in enumerate(programs):
            if index not in program.live_groups:
                continue
            group = program.groups[index]
            binary.setdefault(group.binary, []).append(row)
            if index == program.num_groups - 1:
                last.append(row)
            for side, name, unary in group.sides():
                if name in GROUP_NAMES:
                    computed.setdefault((side, name, unary), []).append(row)
                else:
                    pair[side, row] = _side(name, unary, 2 * index + side, state, sides)
        for (side, name, unary), rows in computed.items():
            argument = earlier[GROUP_NAMES.index(name)][rows]
            pair[side, rows] = _unary(unary, 2 * index + side, state, argument)
        for name, rows in binary.items():
            value = _flushed(BINARY[name].compute(state, pair[0, rows], pair[1, rows]))
            earlier[index][rows] = value
        result[last] = earlier[index][last]
    return result


def _side(
    name: str, unary: str, site: int, state: NumpyState, sides: dict[tuple[str, str, int], np.ndarray]
) -> np.ndarray:
    key = (name, unary, site if UNARY[unary].stochastic else 0)
    if key not in sides:
        operand = np.broadcast_to(OPERANDS[name].compute(state), state.g.shape)
        sides[key] = _unary(unary, site, state, _flushed(operand))
    return sides[key]


def _unary(name: str, site: int, state: NumpyState, argument: np.ndarray) -> np.ndarray:
    entry = UNARY[name]
    return _flushed(entry.compute(state.at_site(site) if entry.stochastic else state, argument))


def _flushed(values: np.ndarray) -> np.ndarray:
    return values * (np.abs(values) >= _SMALLEST)
