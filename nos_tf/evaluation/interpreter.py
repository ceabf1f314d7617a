"""Programs as data: one traced graph computes the update of any program.

Tracing and compiling a graph for each candidate rule costs far more than training a small child network with it. Here
the tokens of a rule are a tensor, and the graph chooses each primitive's arithmetic by `tf.switch_case` from the tables
in `dsl/primitives.py`, one group a turn of a loop.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nos_tf.dsl import Program
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY
from nos_tf.optimizers.update_rule import TensorState


def encode(program: Program) -> np.ndarray:
    """Tokens of a program as int32 of shape `[num_groups, 5]`, for `interpret`."""
    operands, unary, binary = [*OPERANDS, *GROUP_NAMES], list(UNARY), list(BINARY)
    tables = (operands, operands, unary, unary, binary)
    return np.array(
        [[table.index(token) for table, token in zip(tables, group, strict=True)] for group in program.groups], np.int32
    )


def interpret(tokens: tf.Tensor, state: TensorState) -> tf.Tensor:
    """The update of an encoded program, equal to `dsl.evaluate` of the program itself.

    Args:
      tokens: int32 of shape `[groups, 5]`, from `encode`; the number of groups may vary from call to call.
      state: Gradient, weights and averages, as vectors of one length `[n]`.

    Returns:
      The update, of shape `[n]`.
    """
    shape = state.g.shape
    earlier = tf.zeros([len(GROUP_NAMES), *shape], state.g.dtype)
    result = tf.zeros(shape, state.g.dtype)

    def broadcast(value: tf.Tensor) -> tf.Tensor:
        return tf.broadcast_to(value, shape)

    def side(row: tf.Tensor, site: tf.Tensor, number: int, earlier: tf.Tensor) -> tf.Tensor:
        operands = [lambda entry=entry: broadcast(entry.compute(state)) for entry in OPERANDS.values()]
        operands += [lambda index=index: earlier[index] for index in range(len(GROUP_NAMES))]
        value = tf.switch_case(row[number], operands)
        here = state.at_site(site)
        functions = [lambda entry=entry: broadcast(entry.compute(here, value)) for entry in UNARY.values()]
        return tf.switch_case(row[2 + number], functions)

    def group(index: tf.Tensor, earlier: tf.Tensor, result: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        del result
        row = tokens[index]
        first = side(row, 2 * index, 0, earlier)
        second = side(row, 2 * index + 1, 1, earlier)
        functions = [lambda entry=entry: broadcast(entry.compute(state, first, second)) for entry in BINARY.values()]
        value = tf.switch_case(row[4], functions)
        place = tf.minimum(index, len(GROUP_NAMES) - 1)  # The value of a fourth group is never read.
        return index + 1, tf.tensor_scatter_nd_update(earlier, [[place]], [value]), value

    _, _, result = tf.while_loop(
        lambda index, *_: index < tf.shape(tokens)[0],
        group,
        [0, earlier, result],
        parallel_iterations=1,
    )
    return result
