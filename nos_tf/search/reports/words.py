"""What can be said of a run in a few sentences, good or bad."""

from __future__ import annotations

import collections

from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.leaderboard import UNDECIDED, WORSE
from nos_tf.search import race
from nos_tf.search.reports.leaderboard import Leaderboard, Standing, leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import RANDOM


def sentences(run: RunData) -> list[str]:
    """The winner or that there is none, then how the search went, and its workers."""
    return [*_race(run), *_search(run), *_workers(run)]


def compared(one: Standing, board: Leaderboard) -> str:
    """How a finalist stands to the baselines."""
    named = [
        (phrase, [name for name, pair in one.against.items() if pair.verdict == verdict])
        for phrase, verdict in (("worse than", WORSE), ("undecided against", UNDECIDED))
    ]
    parts = [f"{phrase} {', '.join(names)}" for phrase, names in named if names]
    pair = one.difference
    assert pair is not None  # Only the best baseline is not compared with itself.
    margin = "" if pair.half_width is None else f" ± {pair.half_width:.4f}"
    best = f"{pair.difference:+.4f}{margin} to {board.best_baseline.name}, the best of them; {probability(pair.p)}"
    return f"{' and '.join(parts) or 'better than every tuned baseline'} ({best}; {pair.seeds} seeds)"


def probability(p: float) -> str:
    """A p-value as text."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def _race(run: RunData) -> list[str]:
    board, long = leaderboard(run), leaderboard(run, race.LONG_TEST)
    if board is None:
        return []
    if not board.finalists:
        return ["No winner: no rule of the search trained that is not a baseline."]
    best = board.winner or board.finalists[0]
    rule = simplest_text(best.program)
    if board.winner:
        found = [f"Winner: on test data {rule} is {compared(best, board)}."]
    else:
        found = [
            f"No winner: on test data no rule is better than every tuned baseline. The best, {rule}, is "
            f"{compared(best, board)}."
        ]
    if long:
        later = next(one for one in long.standings if one.program == best.program)
        found.append(f"In long trainings it is {compared(later, long)}.")
    return found


def _search(run: RunData) -> list[str]:
    found = []
    asked = run.flags["trials"]
    if len(run.evaluated) < asked:
        state = "so far" if not run.finalists else "the searcher then only repeated itself"
        found.append(f"{len(run.evaluated)} of {asked} distinct rules were evaluated; {state}.")
    if not run.ranking:
        counts = collections.Counter(trial.status for trial in run.evaluated)
        became = ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "none was evaluated"
        return [*found, f"No rule trained at all, though baselines do: {became}."]
    best = run.ranking[0]
    known = run.known_name(best.program)
    same = f", which is {known}" if known else ""
    found.append(f"The search's best reward, {best.reward:.4f}, is of a rule of {best.source} search{same}.")
    random, others = run.rewards(RANDOM), [source for source in run.sources if source != RANDOM]
    for source in others:
        rewards = run.rewards(source)
        count = min(len(random), len(rewards))
        if count:
            found.append(
                f"After {count} rules each, the best of {source} is {max(rewards[:count]):.4f} and of random search "
                f"{max(random[:count]):.4f}; the mean reward of all rules is {sum(rewards) / len(rewards):.3f} and "
                f"{sum(random) / len(random):.3f}."
            )
    return found


def _workers(run: RunData) -> list[str]:
    """How busy several workers were, and what it cost the searcher to keep them busy."""
    busy = run.busy_workers
    workers = run.flags.get("workers")
    if busy is None or workers == 1:
        return []
    found = f"While rules were trained, {busy:.1f}{'' if workers is None else f' of {workers}'} workers were busy."
    if run.flags.get("in_flight"):
        late = [trial.staleness for trial in run.trials]
        found += f" The searcher learned from rules {sum(late) / len(late):.1f} updates late."
    return [found]
