import collections
import contextlib
from pathlib import Path

import numpy as np
import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search import race
from nos_tf.search.baselines import run_baselines
from nos_tf.search.configuration import Configuration
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Trial
from tests.search.fakes import FakeEvaluator, ShuffledExecutor, reward_of

SPACE = nos_tf.SearchSpace(num_groups=1, operands=("g", "m", "v", "gamma"))
SEEDS = Configuration("fake", "ppo", 40, 10, 4, SPACE).fresh_seeds


def trial(number: int, reward: float, source: str = "ppo", status: str = "trained", text: str | None = None) -> Trial:
    program = nos_tf.parse(text) if text else SPACE.decode([number % 4, (number // 4 + 1) % 4, number % 3, 0, 2])
    return Trial(
        number, source, 0, program, nos_tf.canonical_key(program), reward, Evaluation(reward, status, 0.1), created=0.0
    )


def test_best_rules_are_ranked() -> None:
    trials = [
        trial(0, 0.5, "random"),
        trial(1, 0.9),
        trial(2, 0.7, "random"),
        trial(3, 0.9),
        trial(5, 0.95, status="untrained"),
        Trial(6, "ppo", 0, nos_tf.parse("m"), "1", 0.9, None, duplicate_of=1),
    ]
    assert [found.id for found in race.ranked(trials)] == [1, 3, 2, 0]


def filled(path: Path, rules: int = 24) -> Store:
    """Creates the store of a finished search with distinct rules, one of which is a baseline."""
    store = Store.create(path, {})
    rng = np.random.default_rng(0)
    programs: dict[str, nos_tf.Program] = {}
    while len(programs) < rules:
        program = SPACE.sample(rng)
        programs.setdefault(nos_tf.canonical_key(program), program)
    for number, (key, program) in enumerate(programs.items()):
        store.add_trial(Trial(number, "ppo", 0, program, key, reward_of(program), Evaluation(0.0, "trained", 0.1)))
    store.add_trial(trial(900, 0.99, text="g + g"))
    run_baselines(store, ShuffledExecutor(), Observer(), seed=0)
    return store


def finish(store: Store, stops: tuple[int | None, ...] = (None,), test_seeds: int = 4) -> list:
    """Runs the race, interrupting it after the given numbers of jobs, and returns the jobs."""
    jobs = []
    for number, stop in enumerate(stops):
        executor = ShuffledExecutor(number, stop_after=stop)
        with contextlib.suppress(KeyboardInterrupt):
            race.run(store, executor, Observer(), SEEDS, test_seeds)
        jobs += executor.jobs
    return jobs


def content(store: Store) -> list:
    found = store.trainings()
    rows = [(one.stage, str(one.program), one.seed, one.learning_rate, one.evaluation) for one in found]
    return [store.description(), sorted(rows, key=lambda row: row[:4])]


def test_rules_that_are_baselines_do_not_race(tmp_path: Path) -> None:
    with filled(tmp_path / "s.sqlite") as store:
        found = race.racers(store.trials(), store.baselines())
        assert len(found) == race.RACERS
        assert all(one.id != 900 for one in found)
        assert [one.reward for one in found] == sorted((one.reward for one in found), reverse=True)


def test_race_is_the_same_after_any_interruption_and_in_any_order(tmp_path: Path) -> None:
    with filled(tmp_path / "whole.sqlite") as whole, filled(tmp_path / "cut.sqlite") as cut:
        first = finish(whole)
        total = len(first)
        stops = (10, total // 4, total // 4, total // 8, total // 8, 3, None)
        second = finish(cut, stops)
        assert content(whole) == content(cut)
        assert sorted(map(describe, first)) == sorted(map(describe, second))  # No job was run twice.
        assert finish(whole) == []  # Nothing remains to be done.


def describe(job) -> tuple:
    return job.program.tokens, job.seed, job.learning_rate, job.split, job.long


def test_stages_use_different_seeds_and_only_tests_use_test_data(tmp_path: Path) -> None:
    with filled(tmp_path / "s.sqlite") as store:
        jobs = finish(store)
        seeds = collections.defaultdict(set)
        for one in store.trainings():
            seeds[one.stage].add(one.seed)
        assert list(seeds) == list(race.STAGES)
        assert sum(map(len, seeds.values())) == len(set().union(*seeds.values()))
        tested = {seed for stage in (race.TEST, race.LONG_TEST) for seed in seeds[stage]}
        assert {job.seed for job in jobs if job.split == "test"} == tested
        assert {job.seed for job in jobs if job.long} == seeds[race.LONG_TUNING] | seeds[race.LONG_TEST]


def test_finalists_and_all_baselines_are_tested_at_tuned_rates(tmp_path: Path) -> None:
    with filled(tmp_path / "s.sqlite") as store:
        finish(store)
        finalists = {nos_tf.Program.from_tokens(tokens) for tokens in store.description()["finalists"]}
        assert len(finalists) == race.FINALISTS
        baselines = {one.program for one in store.baselines() if one.evaluation.learning_rate is not None}
        for stage in (race.TEST, race.LONG_TEST):
            tested = [one for one in store.trainings() if one.stage == stage]
            assert {one.program for one in tested} == finalists | baselines
            assert all(0.15 < one.learning_rate < 0.27 for one in tested)  # 0.2 is best.
            count = collections.Counter(one.program for one in tested)
            assert set(count.values()) == {4}  # Enough for the test, and doubled for the long one, which begins with 2.
        # The invented rewards have little noise, so that the first seeds decide who is among the best.
        raced = collections.Counter(one.program for one in store.trainings() if one.stage == race.RACING)
        assert set(raced.values()) == {5}
        # The best rules of the invented trainings are found, up to the noise of the seeds.
        best = sorted(race.racers(store.trials(), store.baselines()), key=lambda one: -reward_of(one.program))
        assert finalists <= {one.program for one in best[: race.FINALISTS + 1]}


class Equal(FakeEvaluator):
    """Trainings that differ only by chance."""

    def train(self, program, learning_rate, seed, split="validation", long=False):
        reward = float(np.random.default_rng([seed, *str(program).encode()]).normal(0.5, 0.01))
        return Evaluation(reward, "trained", learning_rate)


def test_undecided_rules_get_more_seeds_up_to_a_limit(tmp_path: Path) -> None:
    with filled(tmp_path / "s.sqlite") as store:
        executor = ShuffledExecutor()
        executor._evaluator = Equal()
        race.run(store, executor, Observer(), SEEDS, 4)
        count = collections.Counter(one.program for one in store.trainings() if one.stage == race.TEST)
        assert set(count.values()) == {8}
        raced = collections.Counter(one.program for one in store.trainings() if one.stage == race.RACING)
        assert max(raced.values()) == 20


@pytest.mark.parametrize("rules", [0, 1, 3])
def test_few_rules_or_none(tmp_path: Path, rules: int) -> None:
    with filled(tmp_path / "s.sqlite", rules) as store:
        finish(store, test_seeds=2)
        assert len(store.description()["finalists"]) == rules
        assert {one.stage for one in store.trainings()} == set(race.STAGES)


def test_more_trials_keep_earlier_trainings(tmp_path: Path) -> None:
    with filled(tmp_path / "s.sqlite") as store:
        finish(store)
        before = {(one.stage, one.program, one.seed, one.learning_rate) for one in store.trainings()}
        best = nos_tf.parse("g * g")
        evaluation = Evaluation(0.999, "trained", 0.1)
        store.add_trial(Trial(950, "ppo", 9, best, nos_tf.canonical_key(best), 0.999, evaluation))
        jobs = finish(store)
        assert {job.program for job in jobs} >= {best}
        after = {(one.stage, one.program, one.seed, one.learning_rate) for one in store.trainings()}
        assert before <= after
        assert len(after) == len(before) + len(jobs)
        # The test data were read for two sets of finalists, twice each; running the same race again is no further look.
        assert race._looks(store, [best]) == 6
        assert race._looks(store, [best]) == 6


def test_failed_trainings_are_run_again(tmp_path: Path) -> None:
    class Failing(FakeEvaluator):
        def train(self, program, learning_rate, seed, split="validation", long=False):
            if split == "test" and seed % 2:
                raise ValueError("a dead worker")
            return super().train(program, learning_rate, seed, split, long)

    from nos_tf.search.executors.in_process import InProcess

    with filled(tmp_path / "s.sqlite") as store, InProcess(Failing) as executor:
        with pytest.raises(RunError, match=r"Received: \d+ failed, the first with: ValueError: a dead worker"):
            race.run(store, executor, Observer(), SEEDS, 6)
        tested = {one.seed for one in store.trainings() if one.stage == race.TEST}
        assert tested
        assert not any(seed % 2 for seed in tested)
        jobs = finish(store, test_seeds=6)
        assert {job.seed % 2 for job in jobs if job.split == "test"} == {0, 1}  # Even ones: the second look.
        assert {one.evaluation.status for one in store.trainings()} == {"trained"}


def test_a_rule_with_a_term_without_effect_is_an_echo() -> None:
    rules = [nos_tf.parse(text) for text in ("g", "g - clip(1e-4*w, 1e-5)", "m")]
    rewards = dict(zip(rules, ([0.85313, 0.85199], [0.85313, 0.8519], [0.85313, 0.8419]), strict=True))
    assert race.is_echo(rules[1], rules[:1], rewards)
    assert not race.is_echo(rules[2], rules[:2], rewards)
    assert not race.is_echo(rules[0], [], rewards)


def test_an_echo_of_a_baseline_is_no_finalist_even_if_it_is_a_little_better(tmp_path: Path) -> None:
    echo = nos_tf.parse("rmsprop - clip(1e-4*w, 1e-5)")

    class Echoing(FakeEvaluator):
        def train(self, program, learning_rate, seed, split="validation", long=False):
            found = super().train(
                nos_tf.parse("rmsprop") if program == echo else program, learning_rate, seed, split, long
            )
            return found.replace(reward=found.reward + 1e-5) if program == echo else found

    from nos_tf.search.executors.in_process import InProcess

    with filled(tmp_path / "s.sqlite", 2) as store, InProcess(Echoing) as executor:
        store.add_trial(
            Trial(950, "ppo", 9, echo, nos_tf.canonical_key(echo), 0.999, Evaluation(0.999, "trained", 0.1))
        )
        race.run(store, executor, Observer(), SEEDS, 2)
        assert list(echo.tokens) not in store.description()["finalists"]
        assert len(store.description()["finalists"]) == 2
