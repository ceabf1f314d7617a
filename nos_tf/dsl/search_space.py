"""The set of programs that a search draws from: a subset of the primitives, one to four groups, and constraints.

Source: Bello et al. (2017), sections 4.1 and 4.2; sizes match the paper's (2.5e5 rules of one group, 7.0e10 of two).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import numbers
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nos_tf.common.errors import unknown
from nos_tf.dsl.entries import base_names
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, MAX_GROUPS, OPERANDS, UNARY
from nos_tf.dsl.program import TOKENS_PER_GROUP, Program

# The paper's three constraints.
DIFFERENT_OPERANDS = "different_operands"  # The operands of a group differ.
NO_FINAL_ADDITION = "no_final_addition"  # The last binary function is not addition.
REUSE_GROUPS = "reuse_groups"  # Every group after the first reads an earlier group.
CONSTRAINTS: tuple[str, ...] = (DIFFERENT_OPERANDS, NO_FINAL_ADDITION, REUSE_GROUPS)


@dataclasses.dataclass(frozen=True)
class SearchSpace:
    """A finite set of programs of the same length.

    Attributes:
      num_groups: Number of groups in every program, 1 to 4.
      operands: Operand tokens; by default, the 17 of the paper's first version.
      unary: Unary function tokens; by default, the paper's.
      binary: Binary function tokens; by default, the paper's.
      constraints: Names from `CONSTRAINTS`.

    Raises:
      ValueError: A token or constraint is unknown, repeated or missing, or no program is left.
    """

    num_groups: int = 1
    operands: tuple[str, ...] = dataclasses.field(default_factory=lambda: base_names(OPERANDS))
    unary: tuple[str, ...] = dataclasses.field(default_factory=lambda: base_names(UNARY))
    binary: tuple[str, ...] = dataclasses.field(default_factory=lambda: base_names(BINARY))
    constraints: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.num_groups, numbers.Integral) or not 1 <= self.num_groups <= MAX_GROUPS:
            raise ValueError(
                f"num_groups must be an integer from 1 to {MAX_GROUPS}. Received: num_groups={self.num_groups!r}"
            )
        for field, known in (
            ("operands", OPERANDS),
            ("unary", UNARY),
            ("binary", BINARY),
            ("constraints", CONSTRAINTS),
        ):
            names = _checked(field, getattr(self, field), known, may_be_empty=field == "constraints")
            object.__setattr__(self, field, frozenset(names) if field == "constraints" else names)
        if self.size == 0:
            raise ValueError(
                "No program of this search space meets its constraints; add primitives or drop a constraint. "
                f"Received: operands={self.operands}, binary={self.binary}, constraints={sorted(self.constraints)}"
            )

    @property
    def length(self) -> int:
        """Number of tokens in a program."""
        return self.num_groups * TOKENS_PER_GROUP

    @property
    def size(self) -> int:
        """Exact number of programs."""
        return math.prod(
            len(self._operand_pairs[group]) * len(self.unary) ** 2 * len(self._binary_choices(group))
            for group in range(self.num_groups)
        )

    def vocabulary(self, position: int) -> tuple[str, ...]:
        """Tokens that can appear at a position; each group adds one operand."""
        group, place = divmod(position, TOKENS_PER_GROUP)
        if place < 2:
            return self.operands + GROUP_NAMES[:group]
        return self.unary if place < 4 else self.binary

    def sample(self, rng: np.random.Generator) -> Program:
        """A program drawn uniformly from the space."""
        tokens: list[str] = []
        for group in range(self.num_groups):
            pairs = self._operand_pairs[group]
            choices = self._binary_choices(group)
            names = self.vocabulary(group * TOKENS_PER_GROUP)
            tokens += [names[index] for index in pairs[rng.integers(len(pairs))]]
            tokens += [self.unary[rng.integers(len(self.unary))] for _ in range(2)]
            tokens.append(choices[rng.integers(len(choices))])
        return Program(tuple(tokens))

    def programs(self) -> Iterator[Program]:
        """Every program of the space, in the order of its primitives."""
        groups = []
        for group in range(self.num_groups):
            names = self.vocabulary(group * TOKENS_PER_GROUP)
            operands = [(names[first], names[second]) for first, second in self._operand_pairs[group]]
            functions = list(itertools.product(self.unary, self.unary, self._binary_choices(group)))
            groups.append([pair + rest for pair in operands for rest in functions])
        for chosen in itertools.product(*groups):
            yield Program(tuple(itertools.chain.from_iterable(chosen)))

    def mask(self, prefix: Sequence[int]) -> np.ndarray:
        """Mask of the tokens that may come next.

        Args:
          prefix: Indices of the tokens so far, each into the `vocabulary` of its position; fewer than `length`.

        Returns:
          Booleans, one per token of `vocabulary(len(prefix))`; at least one is true after an allowed prefix.
        """
        position = len(prefix)
        group, place = divmod(position, TOKENS_PER_GROUP)
        if place < 2:
            table = self.operand_masks[group]
            return np.asarray(table.any(axis=1) if place == 0 else table[prefix[-1]])
        allowed = np.ones(len(self.vocabulary(position)), bool)
        if place == TOKENS_PER_GROUP - 1:
            choices = self._binary_choices(group)
            allowed = np.array([name in choices for name in self.binary])
        return allowed

    def encode(self, program: Program) -> np.ndarray:
        """Index of each token in the vocabulary of its position, as int32 of shape `[length]`.

        Raises:
          ValueError: The program is not in the space.
        """
        if program not in self:
            raise ValueError(f"The program is not in this search space. Received: {program}")
        return np.array([self.vocabulary(i).index(token) for i, token in enumerate(program.tokens)], np.int32)

    def decode(self, indices: Sequence[int]) -> Program:
        """The program with the given token indices; the inverse of `encode`."""
        return Program(tuple(self.vocabulary(i)[index] for i, index in enumerate(indices)))

    def __contains__(self, program: Program) -> bool:
        if program.num_groups != self.num_groups:
            return False
        prefix: list[int] = []
        for position, token in enumerate(program.tokens):
            vocabulary = self.vocabulary(position)
            if token not in vocabulary or not self.mask(prefix)[vocabulary.index(token)]:
                return False
            prefix.append(vocabulary.index(token))
        return True

    @functools.cached_property
    def operand_masks(self) -> tuple[np.ndarray, ...]:
        """For each group, which pairs of operands are allowed, as booleans `[operand1, operand2]`."""
        masks = []
        for group in range(self.num_groups):
            count = len(self.operands) + group
            allowed = np.ones((count, count), bool)
            if DIFFERENT_OPERANDS in self.constraints:
                np.fill_diagonal(allowed, False)
            if REUSE_GROUPS in self.constraints and group > 0:
                allowed[: len(self.operands), : len(self.operands)] = False
            masks.append(allowed)
        return tuple(masks)

    @functools.cached_property
    def _operand_pairs(self) -> tuple[np.ndarray, ...]:
        return tuple(np.argwhere(mask) for mask in self.operand_masks)

    def _binary_choices(self, group: int) -> tuple[str, ...]:
        if NO_FINAL_ADDITION in self.constraints and group == self.num_groups - 1:
            return tuple(name for name in self.binary if name != "+")
        return self.binary


def _checked(field: str, names: Iterable[str], known: Iterable[str], may_be_empty: bool) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError(f"{field} must be a sequence of names. Received: {field}={names!r}")
    names = tuple(names)
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise ValueError(unknown(f"name in {field}", name, known))
    if len(set(names)) != len(names):
        raise ValueError(f"{field} must not repeat a name. Received: {field}={names}")
    if not names and not may_be_empty:
        raise ValueError(f"{field} must not be empty. Known: {', '.join(known)}. Received: {field}=()")
    return names
