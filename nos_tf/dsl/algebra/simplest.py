"""The simplest text of an update rule, which is how rules are displayed.

Sampled rules contain groups and sides that the update does not read, and functions that change nothing. Parts are
removed as long as the algebra says that the rule stays the same, including its scale.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence

from nos_tf.dsl.algebra.canonical import exact_key
from nos_tf.dsl.entries import ATOM
from nos_tf.dsl.errors import ProgramError
from nos_tf.dsl.parser import parse
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, OPERANDS, UNARY
from nos_tf.dsl.program import Group, Program

_TIMES_1 = re.compile(r" \* 1(?=\)|;|$)")


@functools.lru_cache(1 << 12)
def simplest(program: Program) -> Program:
    """A rule with the same update and the shortest text that removing parts leads to.

    Its drop masks differ from the program's, since the draws depend on the position in the program.
    """
    program = _without_unread(program.groups)
    key = exact_key(program)
    if key in (sides := _sides(tuple(OPERANDS), tuple(UNARY))):
        return sides[key]
    while True:
        length = len(short_text(program))
        others = ((len(short_text(other)), other.tokens) for other in _without_a_part(program))
        shorter = sorted(other for other in others if other[0] < length)
        equal = (Program(tokens) for _, tokens in shorter if exact_key(Program(tokens)) == key)
        simpler = next(equal, None)
        if simpler is None:
            return program
        program = simpler


def simplest_text(program: Program) -> str:
    """Text of the simplest equivalent rule.

    Example:
    >>> simplest_text(nos_tf.parse("left(drop(rmsprop, 0.3), exp(g))"))
    'drop(rmsprop, 0.3)'
    """
    return short_text(simplest(program))


@functools.lru_cache(1 << 12)
def short_text(program: Program) -> str:
    """The program's text without any `* 1` that parsing would add again."""
    text = str(program)
    short = _TIMES_1.sub("", text)
    try:
        return short if short != text and parse(short) == program else text
    except ProgramError:  # A named group, `b2 = (m + g) * 1`, would end in the group of its first side.
        return text


@functools.cache
def _sides(operands: tuple[str, ...], unary: tuple[str, ...]) -> dict[str, Program]:
    """The simplest one-sided rule for each exact key."""
    rules = [_program([_bare(operand, function)]) for function in unary for operand in operands]
    return {exact_key(rule): rule for rule in sorted(rules, key=lambda rule: len(short_text(rule)), reverse=True)}


def _bare(operand: str, unary: str) -> Group:
    """A group whose value is that of a single side."""
    return Group(operand, "1", unary, "identity", "*")


def _simplest_side(operand: str, unary: str) -> tuple[str, str]:
    """Operand and function with the same value as a side: the operand `sign(g)` for the sign of `g`."""
    if operand in GROUP_NAMES or unary == "identity":
        return operand, unary
    simplest_rule = _sides(tuple(OPERANDS), tuple(UNARY))[exact_key(_program([_bare(operand, unary)]))]
    return simplest_rule.groups[0].operand1, simplest_rule.groups[0].unary1


def _without_unread(groups: Sequence[Group]) -> Program:
    """The same program without the groups and sides that the update does not read."""
    program = _program(groups)
    names = {GROUP_NAMES[old]: GROUP_NAMES[new] for new, old in enumerate(program.live_groups[:-1])}
    live = [program.groups[index] for index in program.live_groups]
    return _program(
        [
            _renamed(group if BINARY[group.binary].reads_second else _bare(group.operand1, group.unary1), names)
            for group in live
        ]
    )


def _without_a_part(program: Program) -> Iterator[Program]:
    """The rules that result from removing one part of a rule; few of them are equal to it."""
    groups = program.groups
    for index, group in enumerate(groups):
        sides = (group.operand1, group.unary1), (group.operand2, group.unary2)
        changed = [_bare(*side) for side in sides]
        changed += [group._replace(unary1="identity"), group._replace(unary2="identity")]
        (first, unary1), (second, unary2) = (_simplest_side(*side) for side in sides)
        changed.append(Group(first, second, unary1, unary2, group.binary))
        for (operand1, unary1), (operand2, unary2) in (sides, sides[::-1]):
            if UNARY[unary1].binding < ATOM:  # Another operator may do what a prefix did: `g - -m` is `g + m`.
                changed += [Group(operand1, operand2, "identity", unary2, binary) for binary in BINARY]
                changed += [Group(operand2, operand1, unary2, "identity", binary) for binary in BINARY]
        for other in changed:
            yield _without_unread([*groups[:index], other, *groups[index + 1 :]])
        if group != _bare(*sides[0]):
            continue
        operand, unary = sides[0]
        if index < len(groups) - 1:
            yield _without_unread(
                [*groups[: index + 1], *(_inlined(g, index, operand, unary) for g in groups[index + 1 :])]
            )
        elif operand in GROUP_NAMES and unary == "identity":
            yield _without_unread(groups[: GROUP_NAMES.index(operand) + 1])


def _inlined(reader: Group, index: int, operand: str, unary: str) -> Group:
    """A later group that reads an operand directly instead of through the group at `index`, which holds just that."""
    first, second, unary1, unary2, binary = reader
    if first == GROUP_NAMES[index] and "identity" in (unary, unary1):
        first, unary1 = operand, unary if unary1 == "identity" else unary1
    if second == GROUP_NAMES[index] and "identity" in (unary, unary2):
        second, unary2 = operand, unary if unary2 == "identity" else unary2
    return Group(first, second, unary1, unary2, binary)


def _renamed(group: Group, names: Mapping[str, str]) -> Group:
    return group._replace(
        operand1=names.get(group.operand1, group.operand1), operand2=names.get(group.operand2, group.operand2)
    )


def _program(groups: Sequence[Group]) -> Program:
    return Program(tuple(token for group in groups for token in group))
