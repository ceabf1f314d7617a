"""Summarizes a run in a few sentences."""

from __future__ import annotations

import collections

from nos_tf.common.leaderboard import UNDECIDED, WORSE
from nos_tf.common.text import p_value
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.search import race
from nos_tf.search.reports.leaderboard import Leaderboard, Standing, leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import RANDOM


def sentences(run: RunData) -> list[str]:
    """Sentences about the winner, the search and its workers, in this order."""
    return [*_race(run), *_search(run), *_workers(run)]


def compared(one: Standing, board: Leaderboard) -> str:
    """How a finalist compares with the baselines."""
    named = [
        (phrase, [name for name, pair in one.against.items() if pair.verdict == verdict])
        for phrase, verdict in (("worse than", WORSE), ("not clearly different from", UNDECIDED))
    ]
    parts = [f"{phrase} {', '.join(names)}" for phrase, names in named if names]
    pair = one.difference
    assert pair is not None  # Only the best baseline is not compared with itself.
    margin = "" if pair.half_width is None else f" ± {pair.half_width:.4f}"
    best = f"{pair.difference:+.4f}{margin} vs. {board.best_baseline.name}, the best baseline; {p_value(pair.p)}"
    return f"{' and '.join(parts) or 'better than every tuned baseline'} ({best}; {pair.seeds} seeds)"


def _race(run: RunData) -> list[str]:
    board, long = leaderboard(run), leaderboard(run, race.LONG_TEST)
    if board is None:
        return []
    if not board.finalists:
        return ["No winner: the search found no rule that trains, other than baselines."]
    best = board.winner or board.finalists[0]
    rule = simplest_text(best.program)
    if board.winner:
        lines = [f"Winner: on test data {rule} is {compared(best, board)}."]
    else:
        lines = [
            f"No winner: on test data no rule is better than every tuned baseline. The best rule, {rule}, is "
            f"{compared(best, board)}."
        ]
    if long:
        later = next(one for one in long.standings if one.program == best.program)
        lines.append(f"In long trainings, it is {compared(later, long)}.")
    return lines


def _search(run: RunData) -> list[str]:
    lines = []
    requested = run.flags["trials"]
    if len(run.evaluated) < requested:
        is_over = run.raced == len(run.evaluated)
        state = "; after that, the searcher only repeated itself" if is_over else " so far"
        lines.append(f"{len(run.evaluated)} of {requested} distinct rules were evaluated{state}.")
    if not run.ranking:
        counts = collections.Counter(trial.status for trial in run.evaluated)
        outcomes = ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "none was evaluated"
        return [*lines, f"No rule trained, although baselines did: {outcomes}."]
    best = run.ranking[0]
    known = run.known_name(best.program)
    equal = f", which is {known}" if known else ""
    lines.append(f"The best reward of the search is {best.reward:.4f}, for a rule found by {best.source}{equal}.")
    random, others = run.rewards(RANDOM), [source for source in run.sources if source != RANDOM]
    for source in others:
        rewards = run.rewards(source)
        count = min(len(random), len(rewards))
        if count:
            lines.append(
                f"After {count} rules each, the best reward is {max(rewards[:count]):.4f} for {source} and "
                f"{max(random[:count]):.4f} for random search; the mean reward of all rules is "
                f"{sum(rewards) / len(rewards):.3f} and {sum(random) / len(random):.3f}."
            )
    return lines


def _workers(run: RunData) -> list[str]:
    """How busy the workers were, and how late the searcher learned as a result."""
    busy = run.busy_workers
    workers = run.flags.get("workers")
    if busy is None or workers == 1:
        return []
    share = f"{busy:.1f}" if workers is None else f"{busy:.1f} of {workers}"
    text = f"While rules were training, {share} workers were busy on average."
    if run.flags.get("in_flight"):
        late = [trial.staleness for trial in run.trials]
        text += f" The searcher learned from rules {sum(late) / len(late):.1f} updates late."
    return [text]
