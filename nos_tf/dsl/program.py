"""An update rule as a value: an immutable program of one to four groups, and its evaluation."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from nos_tf.common.errors import excerpt, unknown
from nos_tf.dsl import formatting
from nos_tf.dsl.errors import ProgramError
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, MAX_GROUPS, OPERANDS, UNARY
from nos_tf.dsl.state import Array, State

TOKENS_PER_GROUP = 5


class Group(NamedTuple):
    """Five tokens, whose value is `binary(unary1(operand1), unary2(operand2))`."""

    operand1: str
    operand2: str
    unary1: str
    unary2: str
    binary: str

    def sides(self) -> Iterator[tuple[int, str, str]]:
        """Side number, operand and unary function of each side that the binary function reads."""
        yield 0, self.operand1, self.unary1
        if BINARY[self.binary].reads_second:
            yield 1, self.operand2, self.unary2


@dataclasses.dataclass(frozen=True)
class Program:
    """An update rule `U` as in `w <- w - learning_rate * U`, made of groups of five tokens.

    Later groups can read the value of a group as `b1`, `b2` or `b3`; the value of the last group is the update.

    Attributes:
      tokens: `operand1, operand2, unary1, unary2, binary` of each group in turn.

    Raises:
      ProgramError: The number or kind of the tokens is wrong, or a group reads itself or a later one.
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        count = len(self.tokens)
        if count == 0 or count % TOKENS_PER_GROUP or count > TOKENS_PER_GROUP * MAX_GROUPS:
            raise ProgramError(f"A program has 5, 10, 15 or 20 tokens, five per group. Received: {count} tokens")
        for position, token in enumerate(self.tokens):
            _check_token(token, position)

    @classmethod
    def from_tokens(cls, tokens: Iterable[str]) -> Program:
        """Creates a program from tokens, five per group: `operand1, operand2, unary1, unary2, binary`."""
        if isinstance(tokens, str):
            raise ProgramError(
                f"Tokens must be a sequence of strings; use nos_tf.parse for a text. Received: {excerpt(tokens)}"
            )
        return cls(tuple(tokens))

    @functools.cached_property
    def groups(self) -> tuple[Group, ...]:
        return tuple(
            Group(*self.tokens[start : start + TOKENS_PER_GROUP])
            for start in range(0, len(self.tokens), TOKENS_PER_GROUP)
        )

    @property
    def num_groups(self) -> int:
        return len(self.tokens) // TOKENS_PER_GROUP

    @functools.cached_property
    def live_groups(self) -> tuple[int, ...]:
        """Indices of the groups that the update depends on, in order."""
        live = {self.num_groups - 1}
        for index in range(self.num_groups - 1, -1, -1):
            if index in live:
                live.update(GROUP_NAMES.index(name) for _, name, _ in self.groups[index].sides() if name in GROUP_NAMES)
        return tuple(sorted(live))

    @property
    def operands(self) -> frozenset[str]:
        """Operands that the update depends on, not counting values of groups."""
        read = {name for index in self.live_groups for _, name, _ in self.groups[index].sides()}
        return frozenset(read.intersection(OPERANDS))

    @property
    def slots(self) -> frozenset[str]:
        """Names of the running averages that the update depends on."""
        return frozenset().union(*(OPERANDS[name].slots for name in self.operands))

    @property
    def needs_total_steps(self) -> bool:
        """Whether the update depends on the total number of training steps."""
        return any(OPERANDS[name].needs_total_steps for name in self.operands)

    def __str__(self) -> str:
        return formatting.to_text(self.groups)

    def __repr__(self) -> str:
        return f"Program({str(self)!r})"

    def to_latex(self) -> str:
        """The update as a single LaTeX formula, with earlier groups written out inside the last one."""
        return formatting.to_latex(self.groups)


def evaluate(program: Program, state: State) -> Array:
    """The update `U`, not yet multiplied by the learning rate.

    Args:
      program: The rule.
      state: The weights, gradient and averages of one step. The site of a side is `2 * group + side`.

    Returns:
      An array that broadcasts to the shape of the gradient.
    """
    values: dict[str, Array] = {}
    result = None
    for index in program.live_groups:
        group = program.groups[index]
        sides = []
        for side, name, unary in group.sides():
            operand = values[name] if name in values else OPERANDS[name].compute(state)
            entry = UNARY[unary]
            sides.append(entry.compute(state.at_site(2 * index + side) if entry.stochastic else state, operand))
        result = BINARY[group.binary].compute(state, sides[0], sides[-1])
        if index < len(GROUP_NAMES):
            values[GROUP_NAMES[index]] = result
    return result


def _check_token(token: str, position: int) -> None:
    group, place = divmod(position, TOKENS_PER_GROUP)
    table: Collection[str] = (OPERANDS, OPERANDS, UNARY, UNARY, BINARY)[place]
    if isinstance(token, str) and (token in table or (place < 2 and token in GROUP_NAMES[:group])):
        return
    kind = ("operand", "operand", "unary function", "unary function", "binary function")[place]
    where = f"token {position + 1} (group {group + 1})"
    if not isinstance(token, str):
        raise ProgramError(f"Tokens must be strings. Received at {where}: {excerpt(token)}")
    if token in GROUP_NAMES and place < 2:
        raise ProgramError(
            f"Group {group + 1} can only read earlier groups. Received at {where}: {token!r}",
        )
    known = [*table, *(GROUP_NAMES[:group] if place < 2 else ())]
    raise ProgramError(unknown(f"{kind} at {where}", token, known))
