r"""Measures how fast rules are judged without training: python -m benchmarks.judge_rate

Reports rules per second of CPU time for each step and all together: sampling, canonical key, fingerprint and screen.
With --count, also counts the one-group rules that are distinct by each key, and those rejected by each screen.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from absl import app, flags

import nos_tf
from benchmarks import figures
from nos_tf.evaluation import fingerprint, screening
from nos_tf.evaluation.judgment import classes, judge
from nos_tf.evaluation.responses import responses

_RULES = flags.DEFINE_integer("rules", 5_000, "Random rules per measurement.", lower_bound=100)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Number of measurements; the median is reported.", lower_bound=1)
_COUNT = flags.DEFINE_bool("count", False, "Also count the one-group space, which takes a few minutes.")


def _rate(function: Callable[[], Any], rules: int) -> float:
    start = time.process_time()
    function()
    return rules / (time.process_time() - start)


def time_steps(num_groups: int, rules: int, rounds: int) -> None:
    """Measures rules per second for every step, on rules that have not been seen before."""
    space = nos_tf.SearchSpace(num_groups)
    rates = collections.defaultdict(list)
    for seed in range(rounds + 1):
        rng = np.random.default_rng(seed)
        programs: list[nos_tf.Program] = []
        values: list[np.ndarray] = []
        steps: dict[str, Callable[[], Any]] = {
            "sampling": lambda programs=programs, rng=rng: programs.extend(space.sample(rng) for _ in range(rules)),
            "canonical key": lambda programs=programs: nos_tf.canonical_keys(programs),
            "response": lambda programs=programs, values=values: values.extend(responses(programs)),
            "fingerprint": lambda values=values: [fingerprint.of_responses(part) for part in values],
            "screen": lambda values=values: [screening.of_responses(part) for part in values],
        }
        spent = 0.0
        for name, step in steps.items():
            rate = _rate(step, rules)
            spent += rules / rate
            rates[name].append(rate)
        rates["all together"].append(rules / spent)
    for name, measured in rates.items():
        rate = float(np.median(measured[1:]))  # The first one warms up.
        figures.record(f"{num_groups} groups: {name}, rules a second", rate)
        print(f"{num_groups} groups: {name:14} {rate:10,.0f} rules a second", flush=True)


def count_space() -> None:
    """Counts the one-group space by key and by screen."""
    start = time.perf_counter()
    programs = list(nos_tf.SearchSpace().programs())
    judged = judge(programs)
    kept = [one for one in judged if one.reason is None]
    counts: dict[str, float] = {
        "rules": len(programs),
        "distinct by algebra": len({one.key for one in judged}),
        "distinct by algebra or fingerprint": len(set(classes(judged))),
        "distinct by algebra, not screened": len({one.key for one in kept}),
        "distinct by algebra or fingerprint, not screened": len(set(classes(kept))),
    }
    for reason in screening.REASONS:
        counts[f"distinct by algebra, screened: {reason}"] = len({one.key for one in judged if one.reason == reason})
    counts["seconds"] = time.perf_counter() - start
    for name, number in counts.items():
        figures.record(f"one group: {name}", number)
        print(f"one group: {name}: {number:,.0f}", flush=True)


def main(argv: Sequence[str]) -> None:
    del argv
    for num_groups in (1, 2):
        time_steps(num_groups, _RULES.value, _ROUNDS.value)
    if _COUNT.value:
        count_space()
    figures.write()


if __name__ == "__main__":
    app.run(main)
