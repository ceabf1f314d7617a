"""The race at the end of a search: the best rules and all baselines are retuned, raced, and tested on unseen test data.

Selection and test use different seeds. Finalists are selected on validation data; then finalists and baselines are
trained with fresh seeds and evaluated on test data, at the task's length and again in long trainings. Each result is
stored as it arrives, and all decisions depend only on stored results: a killed race resumes where it stopped, and the
number and order of workers do not affect it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nos_tf.common.leaderboard import UNDECIDED
from nos_tf.common.statistics import paired_difference
from nos_tf.dsl import Program, canonical_key
from nos_tf.evaluation.result import TRAINED
from nos_tf.search import verdicts
from nos_tf.search.executors.job import Executor
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trainings import Run, Trainings
from nos_tf.search.trial import BASELINES, Baseline, Trial
from nos_tf.search.tuning import tune

RACERS, FINALISTS = 20, 3
TUNING, RACING, FINE_TUNING, TEST = "tuning", "racing", "fine tuning", "test"
LONG_TUNING, LONG_TEST = "long tuning", "long test"
STAGES = (TUNING, RACING, FINE_TUNING, TEST, LONG_TUNING, LONG_TEST)

_QUARTER, _EIGHTH = 10 ** (1 / 4), 10 ** (1 / 8)  # Fractions of a decade.
_TUNING_SEEDS, _FINE_TUNING_SEEDS, _LONG_TUNING_SEEDS = 2, 5, 2
_ROUND, _ROUNDS = 5, 4  # Seeds per round, and maximum number of rounds.
_ECHO = 5e-4  # Rules that really differ have rewards about 0.01 apart.
_LEVEL = 0.05  # Significance level for dropping a racer. It decides what is tested, not the verdicts.

Seeds = Callable[[str, int], Sequence[int]]


def plan(test_seeds: int) -> dict[str, float]:
    """Approximate work of each stage, in evaluations of a rule (a sweep of about seven trainings)."""
    field, contenders = RACERS + len(BASELINES), FINALISTS + len(BASELINES)
    return {
        TUNING: field * 4 * _TUNING_SEEDS / 7,  # Rates tried until the best one has two neighbors.
        RACING: field * _ROUND / 7,
        FINE_TUNING: contenders * 4 * _FINE_TUNING_SEEDS / 7,
        TEST: contenders * test_seeds * 1.3 / 7,
        LONG_TUNING: contenders * 4 * _LONG_TUNING_SEEDS * 5 / 7,
        LONG_TEST: contenders * _long_test_seeds(test_seeds) * 1.3 * 5 / 7,
    }


def _long_test_seeds(test_seeds: int) -> int:
    # Long trainings cost five times as much and vary less between seeds.
    return max(1, test_seeds // 2)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Distinct rules that trained, best first; ties go to the earlier rule."""
    trained = [trial for trial in trials if trial.status == TRAINED]
    return sorted(trained, key=lambda trial: (-trial.reward, trial.id))


def racers(trials: Sequence[Trial], baselines: Sequence[Baseline]) -> list[Trial]:
    """The best rules of the search, without those equal to a baseline."""
    known = {canonical_key(baseline.program) for baseline in baselines}
    return [trial for trial in ranked(trials) if trial.key not in known][:RACERS]


def run(store: Store, executor: Executor, observer: Observer, seeds: Seeds, test_seeds: int) -> None:
    """Runs the race to its end, and stores the finalists in the order of the race.

    Args:
      store: Holds trials and baselines with the learning rates of their sweeps; receives the trainings.
      executor: Runs the trainings.
      observer: Notified of each result.
      seeds: Returns the given number of seeds for a stage; they differ between stages, and a larger count keeps the
        first ones.
      test_seeds: Number of seeds for the test; the long test uses half as many. Undecided comparisons get the same
        number again.
    """
    trainings = Trainings(store, executor, observer)
    rates: dict[Program, float] = {
        baseline.program: baseline.evaluation.learning_rate
        for baseline in store.baselines()
        if baseline.evaluation.learning_rate is not None
    }
    baselines = list(rates)
    trials = store.trials()
    store.describe("raced", sum(trial.duplicate_of is None for trial in trials))
    candidates = racers(trials, store.baselines())
    rates |= {trial.program: trial.learning_rate for trial in candidates if trial.learning_rate is not None}
    rates = tune(trainings, TUNING, rates, _QUARTER, seeds(TUNING, _TUNING_SEEDS))
    finalists = _race(trainings, rates, [trial.program for trial in candidates], seeds(RACING, _ROUND * _ROUNDS))
    contenders = [*finalists, *baselines]
    rates = {program: rates[program] for program in contenders}
    rates = tune(trainings, FINE_TUNING, rates, _EIGHTH, seeds(FINE_TUNING, _FINE_TUNING_SEEDS))
    store.describe("finalists", [list(program.tokens) for program in finalists])
    looks = _looks(store, finalists)
    _test(trainings, TEST, rates, finalists, baselines, seeds(TEST, verdicts.LOOKS * test_seeds), looks)
    rates = tune(trainings, LONG_TUNING, rates, _QUARTER, seeds(LONG_TUNING, _LONG_TUNING_SEEDS), long=True)
    long_seeds = seeds(LONG_TEST, verdicts.LOOKS * _long_test_seeds(test_seeds))
    _test(trainings, LONG_TEST, rates, finalists, baselines, long_seeds, looks, long=True)


def _looks(store: Store, finalists: Sequence[Program]) -> int:
    """Number of looks at the test data, including those at the finalists of earlier races if the run was extended."""
    tested = store.description().get("tested", [])
    tokens = sorted(list(program.tokens) for program in finalists)
    if tokens not in tested:
        tested.append(tokens)
        store.describe("tested", tested)
    return verdicts.LOOKS * len(tested)


def _race(
    trainings: Trainings, rates: Mapping[Program, float], rules: Sequence[Program], seeds: Sequence[int]
) -> list[Program]:
    """Trains all contenders with a few seeds, then those that may still be among the best with more; returns the best.

    Baselines race too but take no place, because the finalists are compared with them.
    """
    racing, rewards = list(rates), dict[Program, list[float]]()
    for start in range(0, len(seeds), _ROUND):
        runs = [Run(program, seed, rates[program]) for program in racing for seed in seeds[start : start + _ROUND]]
        results = trainings.run(RACING, runs)
        for one in runs:
            rewards.setdefault(one.program, []).append(results[one].reward)
        racing.sort(key=lambda program: -float(np.mean(rewards[program])))
        others = [program for program in racing if program not in rules]
        racing = [p for n, p in enumerate(racing) if p in others or not is_echo(p, [*others, *racing[:n]], rewards)]
        best = [program for program in racing if program in rules][:FINALISTS]
        if len(best) < FINALISTS:
            break
        bar = rewards[best[-1]]
        racing = [p for p in racing if p in best or paired_difference(bar, rewards[p]).p >= _LEVEL]
        if sum(program in rules for program in racing) == FINALISTS:
            break
    return [program for program in racing if program in rules][:FINALISTS]


def is_echo(program: Program, others: Sequence[Program], rewards: Mapping[Program, Sequence[float]]) -> bool:
    """Whether a rule has the same reward as another for every seed, so that they differ only in an inert term."""
    expected = rewards[program]
    return any(np.allclose(expected, rewards[other], rtol=0.0, atol=_ECHO) for other in others)


def _test(
    trainings: Trainings,
    stage: str,
    rates: Mapping[Program, float],
    finalists: Sequence[Program],
    baselines: Sequence[Program],
    seeds: Sequence[int],
    looks: int,
    long: bool = False,
) -> None:
    """Trains finalists and baselines with the first seeds, and undecided ones with the others too."""
    first = len(seeds) // verdicts.LOOKS
    rewards: dict[Program, dict[int, float]] = {program: {} for program in rates}

    def train(programs: Sequence[Program], seeds: Sequence[int]) -> None:
        runs = [Run(program, seed, rates[program], "test", long) for program in programs for seed in seeds]
        for one, evaluation in trainings.run(stage, runs).items():
            rewards[one.program][one.seed] = evaluation.reward

    train(list(rates), seeds[:first])
    comparisons = verdicts.compare(finalists, baselines, rewards, looks)
    undecided = {one for pair, comparison in comparisons.items() if comparison.verdict == UNDECIDED for one in pair}
    train([program for program in rates if program in undecided], seeds[first:])
