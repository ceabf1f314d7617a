"""Table of the search's rewards, and a code snippet that uses the best rule."""

from __future__ import annotations

from typing import NamedTuple

from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.search.reports.leaderboard import BASELINE, leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import Baseline

_SHOWN = 10  # Number of rules shown in addition to the baselines.


class Entry(NamedTuple):
    """A row of the table of rewards.

    Attributes:
      rank: Rank among the rules and baselines shown.
      rule: The rule, with the name of the known optimizer it equals.
      source: "baseline", or the searcher that found it.
      reward: Reward under the search's protocol.
      seeds: Number of seeds, more than one if the rule was confirmed.
      accuracy: Final validation accuracy with the first seed.
      learning_rate: Learning rate selected by the sweep.
      status: "trained", or the reason why there is no learning rate.
    """

    rank: int
    rule: str
    source: str
    reward: float
    seeds: int
    accuracy: float | None
    learning_rate: float | None
    status: str


def rewards(run: RunData) -> list[Entry]:
    """The best rules of the search and all baselines, best reward first."""
    candidates = [
        (trial.reward, run.label(trial.program), trial.source, trial.evaluation)
        for trial in run.ranking[:_SHOWN]
        if trial.evaluation is not None
    ]
    candidates += [
        (baseline.evaluation.reward, _name(baseline), BASELINE, baseline.evaluation) for baseline in run.baselines
    ]
    candidates.sort(key=lambda candidate: -candidate[0])
    return [
        Entry(rank, rule, source, reward, len(one.seed_rewards) or 1, one.accuracy, one.learning_rate, one.status)
        for rank, (reward, rule, source, one) in enumerate(candidates, start=1)
    ]


def snippet(run: RunData) -> str | None:
    """Python code that trains a model with the winner, or else the best baseline; None before the race is over."""
    board = leaderboard(run)
    if board is None:
        return None
    one = board.winner or board.best_baseline
    arguments = [f'"{simplest_text(one.program)}"', f"learning_rate={one.learning_rate:g}"]
    if one.program.needs_total_steps:
        arguments.append("total_steps=EPOCHS * STEPS_PER_EPOCH")
    return (
        "import nos_tf\n\n"
        f"optimizer = nos_tf.optimizers.ProgramOptimizer({', '.join(arguments)})\n"
        "model.compile(optimizer=optimizer, loss=LOSS)\n"
    )


def heading(run: RunData) -> str:
    """Heading of the snippet."""
    board = leaderboard(run)
    return "Use the best baseline" if board is not None and board.winner is None else "Use the winner"


def _name(baseline: Baseline) -> str:
    return f"{baseline.name}: {simplest_text(baseline.program)}"
