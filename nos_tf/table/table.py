"""Reading a table of all rules of a space."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nos_tf.dsl import Program, ProgramError, canonical_key, parse
from nos_tf.dsl.algebra.canonical import key_number
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.errors import excerpt, unknown
from nos_tf.evaluation.responses import responses
from nos_tf.table import content
from nos_tf.table.content import Content

_FOLDER = Path(__file__).parent


class Row(NamedTuple):
    """What a training would have shown.

    Attributes:
      rule: Text of the rule.
      reward: From 0 (worst) to 1.
      learning_rate: The rate that the sweep chose, for the rule as it is written; None where there is none.
      status: As of `nos_tf.evaluation.Evaluation`.
      seconds: What it would have cost on one core, for a simulated clock.
    """

    rule: str
    reward: float
    learning_rate: float | None
    status: str
    seconds: float


class TestRow(NamedTuple):
    """A rule on test data, at its best learning rate by validation.

    Attributes:
      likelihood: Mean over the epochs of the geometric-mean probability of the right label, 0 to 1.
      accuracy: Accuracy at the end, 0 to 1.
      long_likelihood: The first, in a training of five times the length.
      long_accuracy: The second, likewise.
    """

    likelihood: float
    accuracy: float
    long_likelihood: float
    long_accuracy: float


class Table:
    """All rules of a space, with what trainings of them showed.

    Rules are looked up by what they do, so any spelling is found. A rule's *value* decides the optimum, ranks and
    regrets: for the best rules of the first seed, which were trained from several, it is their mean reward at their
    best learning rate; for all others it is the one reward that there is.

    Args:
      content: The arrays.

    Attributes:
      content: The arrays.
      values: Value of each distinct rule, `[rules]`.
      ranks: Place of each by its value, from 1, `[rules]`.
      classes: Number of the class of every spelling, `[operand, operand, unary, unary, binary]`.
    """

    def __init__(self, content: Content):
        self.content = content
        self.values = content.reward.astype(np.float64)
        if len(content.best):
            self.values[content.best] = content.fine_rewards.mean(axis=2).max(axis=1)
        self.classes = content.rule_class.reshape([len(words) for words in content.facts["vocabulary"]])
        self._order = np.argsort(-self.values, kind="stable")
        self.ranks = np.empty(len(self._order), int)
        self.ranks[self._order] = np.arange(1, len(self._order) + 1)

    def __len__(self) -> int:
        """Number of distinct rules."""
        return len(self.values)

    def query(self, rule: Program | str) -> Row:
        """What the search's own protocol showed of a rule.

        Raises:
          ProgramError: The text is no program, or the rule is not in the table.
        """
        program, index = self._find(rule)
        row = self.row(index)
        rate = None if row.learning_rate is None else row.learning_rate * self._factor(index, program)
        return row._replace(rule=simplest_text(program), learning_rate=rate)

    def optimum(self) -> Row:
        """The rule of the highest value; its reward is this value."""
        return self.best(1)[0]

    def best(self, count: int) -> list[Row]:
        """The distinct rules of the highest values, which are their rewards here, in order."""
        rows = [self.row(int(index)) for index in self._order[:count]]
        return [row._replace(reward=float(self.values[index])) for row, index in zip(rows, self._order, strict=False)]

    def number(self, rule: Program | str) -> int:
        """Number of the rule's class, from 0: its place in `values`, `ranks` and the arrays of `content`.

        Raises:
          ProgramError: The text is no program, or the rule is not in the table.
        """
        return self._find(rule)[1]

    def value(self, rule: Program | str) -> float:
        """The rule's value; see the class.

        Raises:
          ProgramError: The text is no program, or the rule is not in the table.
        """
        return float(self.values[self.number(rule)])

    def rank(self, rule: Program | str) -> int:
        """Place of a rule by its value among the distinct rules, from 1.

        Raises:
          ProgramError: The text is no program, or the rule is not in the table.
        """
        return int(self.ranks[self.number(rule)])

    def regret(self, rule: Program | str) -> float:
        """How far the rule's value is below the optimum's.

        Raises:
          ProgramError: The text is no program, or the rule is not in the table.
        """
        return float(self.values.max()) - self.value(rule)

    def reveal_test(self, rule: Program | str) -> TestRow:
        """What test data say of a rule. Not for choosing one: a search that reads this has no test data left.

        Raises:
          ProgramError: The text is no program, the rule is not in the table, or it was not among its best rules.
        """
        program, index = self._find(rule)
        places = np.flatnonzero(self.content.best == index)
        if not len(places):
            raise ProgramError(
                f"Only the {len(self.content.best):,} best rules were measured on test data. "
                f"Received: {excerpt(simplest_text(program))}, of rank {self.ranks[index]:,}"
            )
        return TestRow(*map(float, self.content.test[places[0]]))

    def row(self, number: int) -> Row:
        """The row of a class by its number, for the rule that stands for it."""
        rate = float(self.content.learning_rate[number])
        return Row(
            simplest_text(self._program(number)),
            float(self.content.reward[number]),
            None if np.isnan(rate) else rate,
            self.content.facts["statuses"][self.content.status[number]],
            float(self.content.steps[number]) * self.content.facts["seconds_a_step"],
        )

    def _find(self, rule: Program | str) -> tuple[Program, int]:
        program = rule if isinstance(rule, Program) else parse(rule)
        number = np.uint64(key_number(canonical_key(program)))
        place = int(np.searchsorted(self.content.keys, number))
        if place == len(self.content.keys) or self.content.keys[place] != number:
            raise ProgramError(
                f"The table holds the rules of {self.content.facts['space']}; train others by nos_tf.evaluate. "
                f"Received: {excerpt(simplest_text(program), 60)}"
            )
        return program, int(self.content.key_class[place])

    def _program(self, index: int) -> Program:
        vocabulary = self.content.facts["vocabulary"]
        return Program(tuple(vocabulary[place][token] for place, token in enumerate(self.content.tokens[index])))

    def _factor(self, index: int, program: Program) -> float:
        """By what the learning rate of a class's own rule must be multiplied for another rule of the class."""
        own = self._program(index)
        if own == program:
            return 1.0
        (first,), (second,) = ([values for batch in responses([one]) for values in batch] for one in (own, program))
        with np.errstate(all="ignore"):
            ratios = np.abs(first.astype(np.float64) / second)
        ratios = ratios[np.isfinite(ratios) & (ratios > 0.0)]
        return float(np.exp(np.median(np.log(ratios)))) if len(ratios) else 1.0


def names() -> list[str]:
    """Names of the tables."""
    return sorted(_files())


def file(name: str) -> Path:
    """File of a table of the package.

    Raises:
      ValueError: There is none for this task.
    """
    files = _files()
    if name not in files:
        raise ValueError(unknown("table", name, files))
    return files[name]


def _files() -> dict[str, Path]:
    return {path.name.split("-")[0]: path for path in sorted(_FOLDER.glob("*.npz"))}


@functools.lru_cache(maxsize=2)
def load(name: str = "digits") -> Table:
    """A table of the package.

    Args:
      name: Name of its task.

    Raises:
      ValueError: There is none for this task.
    """
    return Table(content.read(file(name)))
