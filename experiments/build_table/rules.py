"""Finds the distinct rules of the one-group space without training."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np

from nos_tf.common.run_folder import replacing
from nos_tf.dsl import Program, SearchSpace
from nos_tf.dsl.algebra.canonical import key_number


class Rules(NamedTuple):
    """The search space, grouped into classes of rules that are equal or behave alike.

    Attributes:
      rule_class: Class of each rule, in the order of the space; int32 `[rules]`.
      keys: Canonical keys of all rules, ascending; uint64 `[keys]`.
      key_class: Class of each key; int32 `[keys]`.
      tokens: A representative of each class, as indices into the vocabulary of each position; uint8 `[classes, 5]`.
      reasons: Why a class cannot learn, or "" if it may; text `[classes]`.
    """

    rule_class: np.ndarray
    keys: np.ndarray
    key_class: np.ndarray
    tokens: np.ndarray
    reasons: np.ndarray

    def program(self, number: int) -> Program:
        """The representative of a class."""
        return SearchSpace().decode(self.tokens[number])

    @property
    def trainable(self) -> np.ndarray:
        """Numbers of the classes that may learn."""
        return np.flatnonzero(self.reasons == "")


def load(path: Path) -> Rules:
    """Loads the rules from a file, or finds them and writes the file, which takes a few minutes."""
    with filelock.FileLock(path.with_suffix(".lock")):  # Machines that start together must not all search for them.
        if not path.exists():
            made = _make()
            with replacing(path) as temporary:
                np.savez_compressed(temporary, **made._asdict())
    with np.load(path, allow_pickle=False) as arrays:
        return Rules(**arrays)


def _make() -> Rules:
    from nos_tf.evaluation.judgment import classes, judge

    space = SearchSpace()
    programs = list(space.programs())
    judged = judge(programs)
    numbers = classes(judged)
    # The shortest rule represents its class; ties go to the first in the space.
    lengths = np.array([len(str(program)) for program in programs])
    order = np.lexsort((np.arange(len(programs)), lengths, numbers))
    chosen = order[np.unique(numbers[order], return_index=True)[1]]
    keys, first = np.unique(np.array([key_number(one.key) for one in judged], np.uint64), return_index=True)
    return Rules(
        rule_class=numbers.astype(np.int32),
        keys=keys,
        key_class=numbers[first].astype(np.int32),
        tokens=np.array([space.encode(programs[index]) for index in chosen], np.uint8),
        reasons=np.array([judged[index].reason or "" for index in chosen]),
    )
