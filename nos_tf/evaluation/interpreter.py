"""Programs as data: a single traced graph computes the update of any program.

Tracing and compiling a graph for each candidate rule costs far more than training a small child network with it. Here,
the tokens of a rule are a tensor, and the graph uses `Case` operations to pick each primitive's arithmetic from the
tables in `dsl/primitives.py`, one group after another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nos_tf.dsl import Program
from nos_tf.dsl.primitives import AVERAGES, BINARY, GROUP_NAMES, MAX_GROUPS, OPERANDS, UNARY
from nos_tf.dsl.program import TOKENS_PER_GROUP
from nos_tf.optimizers.update_rule import Randomness, TensorState, updated_averages

_UNREAD = ("1", "identity")  # The cheapest tokens, for a side that the update does not depend on.


def encode(program: Program) -> np.ndarray:
    """Tokens of a program as int32 of shape `[num_groups, 5]`, for `Interpreter.update`."""
    operands, unary, binary = [*OPERANDS, *GROUP_NAMES], list(UNARY), list(BINARY)
    rows = []
    for group in program.groups:
        sides = [(name, function) for _, name, function in group.sides()]
        (first, second) = (*sides, _UNREAD)[:2]
        tables = (operands, operands, unary, unary, binary)
        tokens = (first[0], second[0], first[1], second[1], group.binary)
        rows.append([table.index(token) for table, token in zip(tables, tokens, strict=True)])
    return np.array(rows, np.int32)


def encode_slots(program: Program) -> int:
    """The set of running averages that a program reads, encoded as a number for `Interpreter.averages`."""
    return sum(2**place for place, name in enumerate(AVERAGES) if name in program.slots)


class Interpreter:
    """The arithmetic of any program over vectors of one length; everything is traced only once.

    Args:
      sizes: Number of weights of each variable, whose values are concatenated in the vectors.
    """

    def __init__(self, sizes: Sequence[int]):
        self._sizes = dict(enumerate(sizes))
        self._length = sum(sizes)
        self._cases: dict[Any, list[Any]] = {}

    def averages(self, slots: tf.Tensor, averages: Sequence[tf.Tensor], gradient: tf.Tensor) -> list[tf.Tensor]:
        """The running averages after a step; those that the program does not read are unchanged.

        Args:
          slots: int32 scalar from `encode_slots`.
          averages: All averages in the order of `AVERAGES`, each of shape `[n]`.
          gradient: This step's gradient, of shape `[n]`.
        """

        def update(chosen: int) -> Callable[..., list[tf.Tensor]]:
            def function(gradient: tf.Tensor, *old: tf.Tensor) -> list[tf.Tensor]:
                by_name = dict(zip(AVERAGES, old, strict=True))
                names = [name for place, name in enumerate(AVERAGES) if chosen >> place & 1]
                return list((by_name | updated_averages(names, by_name, gradient, {})).values())

            return function

        functions = [update(chosen) for chosen in range(2 ** len(AVERAGES))]
        outputs = self._case("averages", slots, functions, [gradient, *averages])
        return [tf.ensure_shape(output, [self._length]) for output in outputs]

    def update(
        self,
        tokens: tf.Tensor,
        gradient: tf.Tensor,
        weights: tf.Tensor,
        averages: Sequence[tf.Tensor],
        step: tf.Tensor,
        total_steps: tf.Tensor,
        seed: tf.Tensor,
    ) -> tf.Tensor:
        """The update of an encoded program, which equals `dsl.evaluate` of the program itself.

        Args:
          tokens: int32 of shape `[groups, 5]`, from `encode`; the number of groups may vary from call to call.
          gradient: This step's gradient, of shape `[n]`.
          weights: Weights, of shape `[n]`.
          averages: All averages after this step's update in the order of `AVERAGES`, each of shape `[n]`.
          step: Steps completed before this one, an int32 scalar.
          total_steps: Total number of training steps, a float32 scalar.
          seed: Seed of noise and drop masks, an int64 scalar.

        Returns:
          The update, of shape `[n]`.
        """
        state = [gradient, weights, step, total_steps, seed, *averages]
        return tf.ensure_shape(self._groups(0, tokens, state, [tf.constant(0.0)] * len(GROUP_NAMES)), [self._length])

    def _groups(
        self, index: int, tokens: tf.Tensor, state: Sequence[tf.Tensor], earlier: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """The value of the last group, given the values of the groups before `index`."""
        operands = [self._operand(entry.compute) for entry in OPERANDS.values()]
        operands += [lambda *inputs, place=place: [inputs[place]] for place in range(-len(GROUP_NAMES), 0)]
        unary = [self._function(entry.compute, 1) for entry in UNARY.values()]
        binary = [self._function(entry.compute, 2) for entry in BINARY.values()]
        row = tf.unstack(tokens[index], num=TOKENS_PER_GROUP)
        sides = []
        for side in (0, 1):
            (operand,) = self._case("operand", row[side], operands, [*state, *earlier])
            site = tf.constant(2 * index + side)
            sides += self._case("unary", row[2 + side], unary, [*state, site, operand])
        (value,) = self._case("binary", row[4], binary, [*state, site, *sides])
        if index + 1 == MAX_GROUPS:
            return self._whole(value)
        known = [*earlier[:index], value, *earlier[index + 1 :]]

        def more(tokens: tf.Tensor, *inputs: tf.Tensor) -> list[tf.Tensor]:
            return [self._groups(index + 1, tokens, inputs[: len(state)], inputs[len(state) :])]

        choices = [lambda *inputs: [self._whole(inputs[index - len(GROUP_NAMES)])], more]
        has_more = tf.cast(tf.shape(tokens)[0] > index + 1, tf.int32)
        return self._case(f"groups after {index}", has_more, choices, [tokens, *state, *known])[0]

    def _whole(self, value: tf.Tensor) -> tf.Tensor:
        return tf.broadcast_to(value, [self._length])

    def _state(self, inputs: Sequence[tf.Tensor]) -> TensorState:
        gradient, weights, step, total_steps, seed, *averages = inputs
        return TensorState(
            tf.ensure_shape(gradient, [self._length]),
            tf.ensure_shape(weights, [self._length]),
            dict(zip(AVERAGES, averages, strict=True)),
            step,
            total_steps,
            {},
            Randomness(seed, self._sizes),
        )

    def _operand(self, compute: Callable[..., Any]) -> Callable[..., list[Any]]:
        return lambda *inputs: [compute(self._state(inputs[: -len(GROUP_NAMES)]))]

    def _function(self, compute: Callable[..., Any], arguments: int) -> Callable[..., list[Any]]:
        def function(*inputs: tf.Tensor) -> list[Any]:
            *state, site = inputs[:-arguments]
            return [compute(dataclasses.replace(self._state(state), site=site), *inputs[-arguments:])]

        return function

    def _case(
        self, name: str, index: tf.Tensor, functions: Sequence[Callable[..., Any]], inputs: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """The outputs of one of the functions.

        This avoids `tf.switch_case`, whose branches become part of the surrounding graph: in every step, the executor
        then visits every operation of every branch, only to find that it need not be computed.
        """
        if name not in self._cases:
            specs = [tf.TensorSpec(None, value.dtype) for value in inputs]
            self._cases[name] = [
                tf.function(function, autograph=False).get_concrete_function(*specs) for function in functions
            ]
        branches = self._cases[name]
        return tf.raw_ops.Case(
            branch_index=index, input=list(inputs), Tout=[tf.float32] * len(branches[0].outputs), branches=branches
        )
