import dataclasses
from pathlib import Path

import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.dsl import Program, SearchSpace
from nos_tf.evaluation.fingerprint import fingerprints
from nos_tf.search import loop
from nos_tf.search.executors.job import failure
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Batch, Trial
from tests.search.fakes import FakeSearcher, ShuffledExecutor, reward_of

# A space so small that there are duplicates from the first batches on.
SPACE = SearchSpace(num_groups=1, operands=("g", "m", "v"), unary=("identity", "neg", "sign"), binary=("+", "*", "-"))
BATCH_SIZE = 5


def stage(source: str = "policy", trials: int = 40, seed: int = 3) -> loop.Stage:
    return loop.Stage(source, FakeSearcher(SPACE, seed), trials, BATCH_SIZE, seed=11)


def comparable(trials: list[Trial]) -> list[Trial]:
    return [dataclasses.replace(trial, created=0.0) for trial in trials]


def run(path: Path, stages: list[loop.Stage], executor: ShuffledExecutor) -> list[Trial]:
    store = Store.open(path) if path.exists() else Store.create(path, {})
    with store:
        for one in stages:
            loop.run_stage(one, store, executor, Observer())
        return comparable(store.trials())


def test_evaluates_as_many_distinct_rules_as_asked(tmp_path: Path) -> None:
    executor, one = ShuffledExecutor(), stage(trials=40)
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        assert loop.run_stage(one, store, executor, Observer()) == 40
        trials = store.trials()
    assert len(executor.jobs) == 40
    assert {job.seed for job in executor.jobs} == {11}
    evaluated = [trial for trial in trials if trial.duplicate_of is None]
    assert len({nos_tf.canonical_key(trial.program) for trial in evaluated}) == 40
    duplicates = [trial for trial in trials if trial.duplicate_of is not None]
    assert len(duplicates) > 10
    rewards = {trial.id: trial.reward for trial in evaluated}
    assert len(set(fingerprints(trial.program for trial in evaluated))) == 40
    for trial in duplicates:
        assert trial.duplicate_of is not None
        assert trial.reward == rewards[trial.duplicate_of]
        assert trial.duplicate_of in equals(trial.program, trials)
        assert trial.duplicate_of < trial.id


def equals(program: Program, trials: list[Trial]) -> set[int]:
    """Returns the evaluated trials that are equal to a rule by either key, directly or through other trials."""
    keys, found = {nos_tf.canonical_key(program), *fingerprints([program])}, set[int]()
    for _ in trials:
        more = {trial.id for trial in trials if keys & {trial.key, trial.fingerprint}}
        if more == found:
            break
        found = more
        keys.update(key for trial in trials if trial.id in found for key in (trial.key, trial.fingerprint))
    return {trial.id for trial in trials if trial.id in found and trial.duplicate_of is None}


def test_searcher_learns_from_every_proposal_in_its_own_order(tmp_path: Path) -> None:
    executor, one = ShuffledExecutor(seed=1), stage()
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        loop.run_stage(one, store, executor, Observer())
        finished = {batch.number for batch in store.batches()}
        proposed = [
            (str(t.program), t.reward, t.duplicate_of is not None) for t in store.trials() if t.batch in finished
        ]
    searcher = one.searcher
    assert isinstance(searcher, FakeSearcher)
    assert searcher.observed == proposed
    assert len(proposed) == BATCH_SIZE * len(finished)


def test_order_of_results_does_not_matter(tmp_path: Path) -> None:
    tables = [run(tmp_path / f"{seed}", [stage()], ShuffledExecutor(seed)) for seed in range(4)]
    assert all(table == tables[0] for table in tables)


@pytest.mark.parametrize("stop_after", range(41))
def test_stopped_run_continues_with_the_same_trials(tmp_path: Path, stop_after: int) -> None:
    def stages() -> list[loop.Stage]:
        return [stage("random", 13, seed=1), stage("policy", 27)]

    whole = run(tmp_path / "whole", stages(), ShuffledExecutor())
    first, second = ShuffledExecutor(5, stop_after), ShuffledExecutor(6)
    if stop_after < 40:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts", stages(), first)
    else:
        run(tmp_path / "parts", stages(), first)
    assert run(tmp_path / "parts", stages(), second) == whole
    jobs = [job.id for job in first.jobs + second.jobs]
    assert len(jobs) == len(set(jobs)) == 40  # None repeated, none lost.
    assert run(tmp_path / "parts", stages(), ShuffledExecutor(stop_after=0)) == whole  # Nothing remains to be done.


@pytest.mark.parametrize("trials", [1, 4, 17, 18, 19, 20, 33])
def test_run_can_grow(tmp_path: Path, trials: int) -> None:
    whole = run(tmp_path / "whole", [stage("random", 13, seed=1), stage(trials=40)], ShuffledExecutor())
    run(tmp_path / "grown", [stage("random", 13, seed=1), stage(trials=trials)], ShuffledExecutor())
    assert run(tmp_path / "grown", [stage("random", 13, seed=1), stage(trials=40)], ShuffledExecutor()) == whole


def test_rule_of_an_earlier_stage_is_not_trained_again(tmp_path: Path) -> None:
    executor = ShuffledExecutor()
    table = run(tmp_path / "s", [stage("random", 30, seed=1), stage("policy", 30, seed=2)], executor)
    assert len({nos_tf.canonical_key(job.program) for job in executor.jobs}) == len(executor.jobs) == 60
    sources = {trial.id: trial.source for trial in table}
    assert any(
        trial.source == "policy" and trial.duplicate_of is not None and sources[trial.duplicate_of] == "random"
        for trial in table
    )


def test_searcher_that_repeats_itself_ends_the_search(tmp_path: Path) -> None:
    space = SearchSpace(1, operands=("g", "m"), unary=("identity",), binary=("+", "*"))
    one = loop.Stage("policy", FakeSearcher(space, 0), trials=8, batch_size=3, seed=0)
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        found = loop.run_stage(one, store, ShuffledExecutor(), Observer())
        proposals = len(store.trials())
    # Of the 8 rules g+g, g+m, m+g, m+m, g*g, g*m, m*g and m*m, only 6 are distinct.
    assert found == 6
    assert 8 * loop.MAX_PROPOSALS <= proposals < 8 * loop.MAX_PROPOSALS + 3


def test_repeated_failures_stop_the_search(tmp_path: Path) -> None:
    class Failing(ShuffledExecutor):
        def run(self, jobs):
            for job in jobs:
                self.jobs.append(job)
                yield job, failure("OSError: no data")

    executor = Failing()
    with (
        Store.create(tmp_path / "s.sqlite", {}) as store,
        pytest.raises(RunError, match=r"10 trials in a row failed.*Received: OSError: no data$"),
    ):
        loop.run_stage(stage(), store, executor, Observer())
    assert len(executor.jobs) == 10


def test_different_proposals_than_the_stored_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "s", [stage(seed=3)], ShuffledExecutor(stop_after=3))
    with pytest.raises(RunError, match=r"now proposes .*versions"):
        run(tmp_path / "s", [stage(seed=4)], ShuffledExecutor())


def test_observer_is_notified_of_each_trial_after_it_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    heard: list[int] = []
    batches: list[Batch] = []

    class Checking(Observer):
        def on_trial(self, trial: Trial) -> None:
            with Store.read(path) as reader:
                assert trial in reader.trials()
            heard.append(trial.id)

        def on_batch(self, batch: Batch) -> None:
            batches.append(batch)

    with Store.create(path, {}) as store:
        loop.run_stage(stage(trials=20), store, ShuffledExecutor(), Checking())
        assert sorted(heard) == [trial.id for trial in store.trials()]
        assert batches == store.batches()


def test_rewards_are_those_of_the_evaluations(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        loop.run_stage(stage(), store, ShuffledExecutor(), Observer())
        for trial in store.trials():
            if trial.status == "trained":
                assert trial.reward == reward_of(trial.program)
