"""Reads a table of all rules of a space."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nos_tf.common.errors import excerpt, unknown
from nos_tf.dsl import Program, ProgramError, canonical_key, parse
from nos_tf.dsl.algebra.canonical import key_number
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.evaluation.responses import responses
from nos_tf.table import content
from nos_tf.table.content import Content

_FOLDER = Path(__file__).parent


class Row(NamedTuple):
    """What training a rule would have shown.

    Attributes:
      rule: Text of the rule.
      reward: Reward, from 0 (worst) to 1.
      learning_rate: Learning rate that the sweep chose, for the rule as written; None if there is none.
      status: Status, as in `nos_tf.evaluation.Evaluation`.
      seconds: Time that it would have taken on one core, for a simulated clock.
    """

    rule: str
    reward: float
    learning_rate: float | None
    status: str
    seconds: float


class TestRow(NamedTuple):
    """A rule on test data, at the learning rate that is best on validation data.

    Attributes:
      likelihood: Geometric-mean probability of the correct label, averaged over the epochs, 0 to 1.
      accuracy: Final accuracy, 0 to 1.
      long_likelihood: Likelihood in a run of five times the length.
      long_accuracy: Final accuracy of that run.
    """

    likelihood: float
    accuracy: float
    long_likelihood: float
    long_accuracy: float


class Table:
    """All rules of a space, with the results of training them.

    Rules are looked up by what they do, so any spelling works. A rule's *value* determines the optimum, ranks and
    regrets: for the best rules of the first seed, which were trained with several seeds, it is the mean reward at their
    best learning rate; for all others, it is the only reward that there is.

    Args:
      content: The arrays.

    Attributes:
      content: The arrays.
      values: Value of each distinct rule, `[rules]`.
      ranks: Rank of each distinct rule by value, from 1, `[rules]`.
      classes: Class number of every spelling, `[operand, operand, unary, unary, binary]`.
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
        """Returns the result of a rule under the search's own protocol.

        Raises:
          ProgramError: The text is not a program, or the rule is not in the table.
        """
        program, index = self._find(rule)
        row = self.row(index)
        rate = None if row.learning_rate is None else row.learning_rate * self._factor(index, program)
        return row._replace(rule=simplest_text(program), learning_rate=rate)

    def optimum(self) -> Row:
        """The rule with the highest value, which is given as its reward."""
        return self.best(1)[0]

    def best(self, count: int) -> list[Row]:
        """The distinct rules with the highest values, which are given as their rewards, in order."""
        rows = [self.row(int(index)) for index in self._order[:count]]
        return [row._replace(reward=float(self.values[index])) for row, index in zip(rows, self._order, strict=False)]

    def number(self, rule: Program | str) -> int:
        """Number of the rule's class, from 0: its index into `values`, `ranks` and the arrays of `content`.

        Raises:
          ProgramError: The text is not a program, or the rule is not in the table.
        """
        return self._find(rule)[1]

    def value(self, rule: Program | str) -> float:
        """The rule's value; see `Table`.

        Raises:
          ProgramError: The text is not a program, or the rule is not in the table.
        """
        return float(self.values[self.number(rule)])

    def rank(self, rule: Program | str) -> int:
        """Rank of a rule by value among the distinct rules, from 1.

        Raises:
          ProgramError: The text is not a program, or the rule is not in the table.
        """
        return int(self.ranks[self.number(rule)])

    def regret(self, rule: Program | str) -> float:
        """How far the rule's value is below the optimum.

        Raises:
          ProgramError: The text is not a program, or the rule is not in the table.
        """
        return float(self.values.max()) - self.value(rule)

    def reveal_test(self, rule: Program | str) -> TestRow:
        """Reveals a rule's results on test data. Not for choosing one: a search that reads this has no test data left.

        Raises:
          ProgramError: The text is not a program, the rule is not in the table, or it is not among its best rules.
        """
        program, index = self._find(rule)
        places = np.flatnonzero(self.content.best == index)
        if not len(places):
            raise ProgramError(
                f"Only the {len(self.content.best):,} best rules were measured on test data. "
                f"Received: {excerpt(simplest_text(program))}, with rank {self.ranks[index]:,}"
            )
        return TestRow(*map(float, self.content.test[places[0]]))

    def row(self, number: int) -> Row:
        """The row of a class by its number, for the rule that represents it."""
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
                f"The table only has the rules of {self.content.facts['space']}; train others with nos_tf.evaluate. "
                f"Received: {excerpt(simplest_text(program), 60)}"
            )
        return program, int(self.content.key_class[place])

    def _program(self, index: int) -> Program:
        vocabulary = self.content.facts["vocabulary"]
        return Program(tuple(vocabulary[place][token] for place, token in enumerate(self.content.tokens[index])))

    def _factor(self, index: int, program: Program) -> float:
        """Factor from the learning rate of the rule that represents a class to that of another rule in the class."""
        representative = self._program(index)
        if representative == program:
            return 1.0
        (first,), (second,) = (
            [values for batch in responses([one]) for values in batch] for one in (representative, program)
        )
        with np.errstate(all="ignore"):
            ratios = np.abs(first.astype(np.float64) / second)
        ratios = ratios[np.isfinite(ratios) & (ratios > 0.0)]
        return float(np.exp(np.median(np.log(ratios)))) if len(ratios) else 1.0


def names() -> list[str]:
    """Names of the available tables."""
    return sorted(_files())


def file(name: str) -> Path:
    """Path of one of the package's tables.

    Raises:
      ValueError: There is no table for this task.
    """
    files = _files()
    if name not in files:
        raise ValueError(unknown("table", name, files))
    return files[name]


def _files() -> dict[str, Path]:
    return {path.name.split("-")[0]: path for path in sorted(_FOLDER.glob("*.npz"))}


@functools.lru_cache(maxsize=2)
def load(name: str = "digits") -> Table:
    """Loads one of the package's tables.

    Args:
      name: Name of the task.

    Raises:
      ValueError: There is no table for this task.
    """
    return Table(content.read(file(name)))
