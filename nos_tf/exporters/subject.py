"""The subject of an export: a rule, its name, and its origin."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nos_tf.common.errors import RunError, excerpt, unknown
from nos_tf.common.leaderboard import LEADERBOARD, VERDICTS
from nos_tf.dsl import Program, ProgramError, parse
from nos_tf.dsl.algebra.simplest import short_text
from nos_tf.dsl.named_rules import BASELINE, FOUND, NAMED_RULES, PAPER, NamedRule

_PAPER = "Bello et al. (2017), Neural Optimizer Search with Reinforcement Learning, arXiv:1709.07417"
_ORIGINS = {
    BASELINE: f"A known optimizer, written in the language of {_PAPER}.",
    PAPER: f"Found by the search of {_PAPER}.",
    FOUND: f"Found by nos_tf in the language of {_PAPER}: with tuned learning rates, it was better than every "
    "tuned baseline on the mean of tasks that no choice had seen (docs/results/discover.md).",
}
_UNNAMED = ("found", "rule")
# PowerSign and AddSign with the paper's bases and decays of the sign's weight; the language has no rd20.
_SIGN_FAMILY = {
    f"{name}{suffix}": text % f"{decay}sign(g) * sign(m)"
    for name, text in {
        "powersign": "exp(%s) * g",
        "powersign2": "2 ** (%s) * g",
        "addsign": "(1 + %s) * g",
        "addsign2": "(2 + %s) * g",
    }.items()
    for suffix, decay in {"": "", "-ld": "ld * ", "-cd": "cd * ", "-rd10": "rd * "}.items()
}
NAMES = tuple(dict.fromkeys([*NAMED_RULES, *_SIGN_FAMILY]))
# Spelling of the words of names in class names.
_TITLES = {name: rule.title for name, rule in NAMED_RULES.items() if rule.title}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A rule to export.

    Attributes:
      program: The rule.
      words: The words of its name, in lowercase.
      provenance: Where it comes from, one sentence per item.
      learning_rate: The learning rate that trained best, if that was measured.
    """

    program: Program
    words: tuple[str, ...]
    provenance: tuple[str, ...]
    learning_rate: float | None = None

    @property
    def text(self) -> str:
        """The rule in the language."""
        return short_text(self.program)

    @property
    def function_name(self) -> str:
        return "_".join(self.words)

    @property
    def class_name(self) -> str:
        return "".join(_TITLES.get(word, word.capitalize()) for word in self.words)


def subject(rule: Program | str) -> Subject:
    """Resolves what a user means by a rule.

    Args:
      rule: A `Program`, one of `NAMES` such as `powersign-cd`, the folder of a search, which stands for its winner, or
        a text of the language.

    Raises:
      ValueError: It is none of these.
      RunError: The search in the folder has no winner.
    """
    if isinstance(rule, Program):
        return _of_program(rule)
    if isinstance(rule, str) and rule in NAMES:
        return _named(rule)
    if isinstance(rule, str) and os.path.isdir(rule):
        return _winner(Path(rule))
    try:
        return _of_program(parse(rule))
    except ProgramError:
        if not isinstance(rule, str) or not re.fullmatch(r"[\w./~-]+", rule):
            raise
        if "/" in rule:
            raise ValueError(f"This is neither a folder nor the text of a rule. Received: {excerpt(rule)}") from None
        raise ValueError(unknown("rule", rule, NAMES)) from None


def _of_program(program: Program) -> Subject:
    for name in NAMES:
        named = _named(name)
        if named.program == program and not (name in NAMED_RULES and NAMED_RULES[name].is_approximate):
            return named
    return Subject(program, _UNNAMED, (f"The language of rules: {_PAPER}.",))


def _named(name: str) -> Subject:
    rule = NAMED_RULES.get(name) or NamedRule(_SIGN_FAMILY[name])
    lines = [_ORIGINS[rule.origin]]
    if rule.is_approximate:
        lines.append(f"It only approximates {rule.title}.")
    words = re.findall(r"[a-z0-9]+", name.replace(".", ""))
    return Subject(parse(rule.text), tuple(words), tuple(lines))


def _winner(folder: Path) -> Subject:
    """The best rule of a search, with its rate and the evidence for it."""
    path = folder / LEADERBOARD
    try:
        board = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"The folder holds no {LEADERBOARD}, which a search writes when it ends. Received: {folder}"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"The leaderboard cannot be read ({type(error).__name__}). Received: {path}") from None
    winner = board.get("winner") if isinstance(board, dict) else None
    if winner is None:
        raise RunError(f"The search has no winner; export one of its rules by its text. Received: {path}")
    try:
        program = parse(winner)
        rows = [row for row in board["rules"] if row["rule"] == winner]
        evidence = _evidence(rows[0])
    except (ProgramError, KeyError, IndexError, TypeError) as error:
        raise RunError(f"The leaderboard is damaged ({excerpt(str(error))}). Received: {path}") from None
    lines = [f"Winner of a search in the language of {_PAPER}.", *evidence]
    rate = _number(rows[0], "learning_rate")
    return dataclasses.replace(_of_program(program), provenance=tuple(lines), learning_rate=rate)


def _evidence(row: Mapping[str, Any]) -> list[str]:
    """Sentences about how good a rule was measured to be; repeats no text that is not known here."""
    measured = [
        f"{title} {value:.4g}"
        for title, key in (("learning rate", "learning_rate"), ("reward", "reward"), ("mean on test data", "test_mean"))
        if (value := _number(row, key)) is not None
    ]
    if isinstance(seeds := row.get("seeds"), int):
        measured.append(f"seeds {seeds}")
    lines = [f"Measured: {', '.join(measured)}."] if measured else []
    difference, p = _number(row, "difference"), _number(row, "p")
    if difference is not None and row.get("verdict") in VERDICTS:
        interval = row.get("difference_interval")
        between = ""
        if isinstance(interval, list) and len(interval) == 2 and all(isinstance(end, (int, float)) for end in interval):
            between = f" (interval {interval[0]:.4g} to {interval[1]:.4g})"
        chance = "" if p is None else f", p = {p:.2g}"
        lines.append(f"Difference from the best tuned baseline: {difference:+.4g}{between}{chance}; {row['verdict']}.")
    return lines


def _number(row: Mapping[str, Any], key: str) -> float | None:
    value = row.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)
