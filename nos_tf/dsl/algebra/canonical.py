"""Keys shared by update rules that are the same function up to a positive constant factor.

Algebra decides which rules are equal (`normal_form`), and fixed random probes must confirm that the normal form has the
same values as the rule (`probes`); otherwise, the rule gets a key of its own. A key may thus miss that two rules are
equal, but never merges two that differ.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator

from nos_tf.dsl.algebra.factors import UnsafeError
from nos_tf.dsl.algebra.normal_form import normal_form
from nos_tf.dsl.algebra.polynomial import Polynomial, masks, scale
from nos_tf.dsl.algebra.probes import agrees
from nos_tf.dsl.primitives import MAX_GROUPS, UNARY
from nos_tf.dsl.program import Program

_MAX_LABELINGS = 24  # A rule with more ways to number its masks is compared as numbered.


def canonical_key(program: Program) -> str:
    """Computes the key of an update rule, which is the same in every process.

    Args:
      program: The rule.

    Returns:
      32 hexadecimal digits. Rules with equal keys are the same function at every point, including exact zeros, up to a
      positive factor, which the learning rate absorbs. Random masks of the same rate are interchangeable; noise counts
      as another input.
    """
    return _key(program, _up_to_scale)


def exact_key(program: Program) -> str:
    """Like `canonical_key`, but rules that differ by a factor have different keys."""
    return _key(program, lambda form: form)


def _key(program: Program, scaled: Callable[[Polynomial], Polynomial]) -> str:
    text, form, labels = min(
        ((scaled(form).key, form, labels) for form, labels in _forms(program)), key=lambda candidate: candidate[0]
    )
    if not agrees(program, form, labels):
        text = f"tokens {' '.join(program.tokens)}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def key_number(key: str) -> int:
    """A key's first 64 bits, for arrays of keys; two of a million rules share them with probability 1 in 40 million."""
    return int(key[:16], 16)


def canonical_keys(programs: Iterable[Program]) -> list[str]:
    """Computes the `canonical_key` of each program, several thousand per second."""
    known: dict[Program, str] = {}
    for program in (programs := list(programs)):
        if program not in known:
            known[program] = canonical_key(program)
    return [known[program] for program in programs]


def _up_to_scale(form: Polynomial) -> Polynomial:
    try:
        return scale(form, 1.0 / abs(form.terms[0][1])) if form.terms else form
    except UnsafeError:
        return form  # The coefficients are too far apart to share a scale.


def _forms(program: Program) -> Iterator[tuple[Polynomial, tuple[int, ...]]]:
    """The normal forms of a rule for all ways to number its random masks, each with the mask of each side."""
    sites: dict[str, list[int]] = {}
    for index in program.live_groups:
        for side, _, unary in program.groups[index].sides():
            if UNARY[unary].stochastic:
                sites.setdefault(unary, []).append(2 * index + side)
    labels = [0] * (2 * MAX_GROUPS)
    if not sites:
        yield normal_form(program, labels), tuple(labels)
        return
    for places in sites.values():
        for label, place in enumerate(places):
            labels[place] = label
    first_form, first_labels = normal_form(program, labels), tuple(labels)
    # Masks that the rule turns out not to read keep their places, numbered above those that it reads.
    read = masks(first_form)
    groups = []
    for unary, places in sites.items():
        unread = [place for place in places if (unary, labels[place]) not in read]
        groups.append([place for place in places if place not in unread] + unread)
        for label, place in enumerate(groups[-1]):
            labels[place] = label
        groups[-1] = groups[-1][: sum(unary == reader for reader, _ in read)]
    if math.prod(math.factorial(len(places)) for places in groups) > _MAX_LABELINGS:
        groups = []
    for orders in itertools.product(*(itertools.permutations(range(len(places))) for places in groups)):
        for places, order in zip(groups, orders, strict=True):
            for label, place in zip(order, places, strict=True):
                labels[place] = label
        is_first = tuple(labels) == first_labels
        yield first_form if is_first else normal_form(program, labels), tuple(labels)
