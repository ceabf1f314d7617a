from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.dsl import Program, SearchSpace
from nos_tf.search import asynchronous, loop
from nos_tf.search.executors.job import failure, perform
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Trial
from tests.search.fakes import FakeEvaluator, FakeSearcher, ShuffledExecutor
from tests.search.loop_test import BATCH_SIZE, SPACE, stage

IN_FLIGHT = 7


class OffPolicySearcher(FakeSearcher):
    """A searcher whose log-probabilities encode its number of updates."""

    def __init__(self, space: SearchSpace, seed: int):
        super().__init__(space, seed)
        self.late: list[float] = []

    def _likely(self) -> float:
        return -float(len(self.observed) // BATCH_SIZE)

    def log_probs(self, programs: Sequence[Program]) -> np.ndarray:
        return np.full((len(programs), 5), self._likely(), np.float32)

    def observe_late(
        self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool], log_probs: np.ndarray
    ) -> None:
        self.late += (log_probs[:, 0] - self._likely()).tolist()
        self.observe(programs, rewards, repeats)


def run(path: Path, stages: list[loop.Stage], executor: ShuffledExecutor) -> list[Trial]:
    with Store.open(path) if path.exists() else Store.create(path, {}) as store:
        for one in stages:
            asynchronous.run_stage(one, IN_FLIGHT, store, executor, Observer())
        return store.trials()


def check(trials: list[Trial], evaluated: int) -> None:
    """Checks that trials are unique, rules distinct, and duplicates rewarded like the first trial."""
    first = {trial.id: trial for trial in trials if trial.duplicate_of is None}
    assert len(first) == len({nos_tf.canonical_key(trial.program) for trial in first.values()}) == evaluated
    assert len({trial.fingerprint for trial in first.values()}) == evaluated
    for trial in trials:
        if trial.duplicate_of is not None:
            assert trial.reward == first[trial.duplicate_of].reward
            assert trial.key == nos_tf.canonical_key(trial.program)


def test_learns_from_full_batches_in_the_order_of_arrival(tmp_path: Path) -> None:
    one = loop.Stage("policy", OffPolicySearcher(SPACE, 3), 40, BATCH_SIZE, seed=11)
    executor = ShuffledExecutor(1)
    trials = run(tmp_path / "s", [one], executor)
    check(trials, 40)
    searcher = one.searcher
    assert isinstance(searcher, OffPolicySearcher)
    with Store.read(tmp_path / "s") as store:
        batches = [batch.number for batch in store.batches()]
        metrics = [batch.metrics["staleness"] for batch in store.batches()]
        proposals = {proposal.id: proposal for proposal in store.proposals()}
    assert len(searcher.observed) == BATCH_SIZE * len(batches)
    for number in batches:
        learned = searcher.observed[BATCH_SIZE * number : BATCH_SIZE * (number + 1)]
        stored = [trial for trial in trials if trial.batch == number]
        assert sorted(learned) == sorted((str(t.program), t.reward, t.duplicate_of is not None) for t in stored)
        # The difference in log-probability between the policy that proposed and the one that learns is the staleness.
        assert sorted(searcher.late[BATCH_SIZE * number : BATCH_SIZE * (number + 1)]) == sorted(
            trial.staleness for trial in stored
        )
        assert metrics[number] == pytest.approx(np.mean([trial.staleness for trial in stored]))
    evaluated = [observed[0] for observed in searcher.observed if not observed[2]]
    assert evaluated == [str(job.program) for job in executor.jobs][: len(evaluated)]
    assert all(trial.staleness == trial.batch - proposals[trial.id].batch for trial in trials)
    assert max(trial.staleness for trial in trials) >= 1


def test_the_given_number_of_rules_is_in_training(tmp_path: Path) -> None:
    counts = []

    class Counting(ShuffledExecutor):
        def run(self, jobs):
            for job, evaluation in super().run(jobs):
                counts.append(len(jobs) + 1)
                yield job, evaluation

    run(tmp_path / "s", [stage(trials=30)], Counting())
    assert counts == [IN_FLIGHT] * (30 - IN_FLIGHT + 1) + list(range(IN_FLIGHT - 1, 0, -1))


@pytest.mark.parametrize("stop_after", range(0, 41, 2))
def test_stopped_run_loses_nothing_and_repeats_nothing(tmp_path: Path, stop_after: int) -> None:
    def stages() -> list[loop.Stage]:
        return [stage("random", 13, seed=1), stage("policy", 27)]

    first, second = ShuffledExecutor(5, stop_after), ShuffledExecutor(6)
    if stop_after < 40:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "s", stages(), first)
    else:
        run(tmp_path / "s", stages(), first)
    with Store.read(tmp_path / "s") as store:
        sent = store.proposals()
    trials = run(tmp_path / "s", stages(), second)
    check(trials, 40)
    jobs = [job.id for job in first.jobs + second.jobs]
    assert len(jobs) == len(set(jobs)) == 40
    # Proposals in training when the run stopped were evaluated, unless an equal rule was.
    rules = {trial.id: trial.program for trial in trials}
    assert all(rules[proposal.id] == proposal.program for proposal in sent)
    assert run(tmp_path / "s", stages(), ShuffledExecutor(stop_after=0)) == trials  # Nothing remains to be done.


class Repeating:
    """Proposes the same rules over and over."""

    def __init__(self, rules: Sequence[str]):
        self._rules = [nos_tf.parse(rule) for rule in rules]
        self._proposed = 0

    def propose(self, count: int) -> list[Program]:
        self._proposed += count
        return [self._rules[number % len(self._rules)] for number in range(self._proposed - count, self._proposed)]

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        pass

    def metrics(self) -> dict[str, float]:
        return {}

    def state(self) -> dict[str, np.ndarray]:
        return {"proposed": np.array(self._proposed)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._proposed = int(state["proposed"])


class LastFirst(ShuffledExecutor):
    """Finishes the youngest job first."""

    def run(self, jobs):
        while jobs:
            if len(self.jobs) == self._stop_after:
                raise KeyboardInterrupt
            job = jobs.pop()
            self.jobs.append(job)
            yield job, perform(FakeEvaluator(), job)


def test_a_rule_may_turn_out_to_equal_a_later_one(tmp_path: Path) -> None:
    """The third rule has the first one's canonical key and the second one's fingerprint.

    The second one is finished when the run is stopped; the first one was in training, and is now known by the third.
    """
    rules = [
        "drop(g, 0.3) * sign(m)",
        "sign(adam) * drop(g, 0.3)",
        "sign(m) * drop(g, 0.3)",
        "m",
        "g * m",
        "g",
        "g + m",
        "v",
    ]

    def stage(trials: int) -> loop.Stage:
        return loop.Stage("policy", Repeating(rules), trials, 2, seed=0)

    with Store.create(tmp_path / "s", {}) as store, pytest.raises(KeyboardInterrupt):
        asynchronous.run_stage(stage(5), 2, store, LastFirst(stop_after=2), Observer())
    with Store.open(tmp_path / "s") as store:
        assert asynchronous.run_stage(stage(5), 2, store, ShuffledExecutor(), Observer()) == 5
        assert store.trials()[0].duplicate_of == 1
        assert asynchronous.run_stage(stage(6), 2, store, ShuffledExecutor(), Observer()) == 6


def test_resumed_searcher_continues_where_it_was(tmp_path: Path) -> None:
    """With one worker and one rule at a time, timing plays no role, so a resumed run equals an uninterrupted one."""

    def one(path: Path, stop_after: int | None) -> list[tuple]:
        with Store.open(path) if path.exists() else Store.create(path, {}) as store:
            try:
                asynchronous.run_stage(stage(trials=20), 1, store, ShuffledExecutor(0, stop_after), Observer())
            except KeyboardInterrupt:
                assert stop_after is not None
            return [(t.id, t.batch, t.program, t.reward, t.duplicate_of, t.staleness) for t in store.trials()]

    whole = one(tmp_path / "whole", None)
    for number in range(0, 20, 3):
        one(tmp_path / "parts", min(3, 20 - number))
    assert one(tmp_path / "parts", None) == whole
    assert max(row[-1] for row in whole) == 0


def test_searcher_that_repeats_itself_ends_the_search(tmp_path: Path) -> None:
    space = SearchSpace(1, operands=("g", "m"), unary=("identity",), binary=("+", "*"))
    one = loop.Stage("policy", FakeSearcher(space, 0), trials=8, batch_size=3, seed=0)
    with Store.create(tmp_path / "s.sqlite", {}) as store:
        assert asynchronous.run_stage(one, 3, store, ShuffledExecutor(), Observer()) == 6
        assert 8 * loop.MAX_PROPOSALS - 3 < len(store.proposals()) <= 8 * loop.MAX_PROPOSALS


def test_repeated_failures_stop_the_search(tmp_path: Path) -> None:
    class Failing(ShuffledExecutor):
        def run(self, jobs):
            while jobs:
                yield jobs.popleft(), failure("OSError: no data")

    with pytest.raises(RunError, match=r"10 trials in a row failed.*Received: OSError: no data$"):
        run(tmp_path / "s", [stage()], Failing())


def test_different_proposals_than_the_stored_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "s", [stage(seed=3)], ShuffledExecutor(stop_after=3))
    with pytest.raises(RunError, match=r"now proposes .*versions"):
        run(tmp_path / "s", [stage(seed=4)], ShuffledExecutor())
