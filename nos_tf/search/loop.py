"""The search loop: propose -> deduplicate -> evaluate -> record -> learn.

Batches run one after another, so the rules that are tried depend neither on the number of workers nor on timing.
Source: Bello et al. (2017), section 4; deduplication by algebra and behavior instead of text is ours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from nos_tf.common.errors import RunError
from nos_tf.dsl import Program
from nos_tf.evaluation.result import FAILED, Evaluation
from nos_tf.search.confirmation import Confirmation
from nos_tf.search.executors.job import Executor, Job
from nos_tf.search.known import KnownRules, keys_of
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Batch, Keys, Place, Trial
from nos_tf.searchers.searcher import Searcher

MAX_PROPOSALS = 20  # Limit of proposals per requested rule; a searcher that reaches it only repeats itself.
_MAX_FAILURES = 10  # Consecutive failures after which the search stops.


@dataclasses.dataclass(frozen=True)
class Stage:
    """One searcher and its share of the trials.

    Attributes:
      source: Name of the searcher, stored with its trials.
      searcher: The searcher.
      trials: Number of distinct rules to evaluate.
      batch_size: Number of proposals per update of the searcher.
      seed: Seed of every training: all rules start from the same weights and see the same data order.
      confirmation: Whether and how promising rules are confirmed with further seeds.
    """

    source: str
    searcher: Searcher
    trials: int
    batch_size: int
    seed: int
    confirmation: Confirmation | None = None

    def job(self, number: int, program: Program) -> Job:
        """The job that evaluates a rule."""
        return Job(number, program, self.seed, confirmation=self.confirmation)


class Failures:
    """Counts consecutive failed trials."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def count(self, evaluation: Evaluation) -> None:
        """Counts the next result.

        Raises:
          RunError: Too many trials in a row have failed.
        """
        self._in_a_row = self._in_a_row + 1 if evaluation.status == FAILED else 0
        if self._in_a_row == _MAX_FAILURES:
            raise RunError(
                f"{_MAX_FAILURES} trials in a row failed; remove the cause and resume, but they count as failed. "
                f"Received: {evaluation.message}"
            )


def run_stage(stage: Stage, store: Store, executor: Executor, observer: Observer) -> int:
    """Runs one searcher until its trials are done, resuming from the state in the store.

    Args:
      stage: The searcher and its trials.
      store: Holds the finished trials of all stages; equal rules are not evaluated again.
      executor: Evaluates rules.
      observer: Notified of each trial and batch.

    Returns:
      Number of distinct rules evaluated for this stage; fewer than requested if the searcher only repeats itself.

    Raises:
      RunError: Nothing can be evaluated or stored, or the stored trials differ from the searcher's proposals.
    """
    return _Run(stage, store, executor, observer).run()


class _Run:
    def __init__(self, stage: Stage, store: Store, executor: Executor, observer: Observer):
        self._stage = stage
        self._store = store
        self._executor = executor
        self._observer = observer
        trials = store.trials()
        batches = [trial.batch for trial in trials if trial.source == stage.source]
        self._first_batch = min(batches) if batches else max((trial.batch for trial in trials), default=-1) + 1
        finished = [batch.number for batch in store.batches() if batch.source == stage.source]
        self._batch = max(finished, default=self._first_batch - 1) + 1
        # The current batch may be partly finished; only rules of earlier batches count as known.
        self._unfinished = {trial.id: trial for trial in trials if trial.batch == self._batch}
        self._known = KnownRules(trial for trial in trials if trial.batch < self._batch)
        earlier = [trial for trial in trials if trial.duplicate_of is None and trial.batch < self._batch]
        self._count = sum(trial.source == stage.source for trial in earlier)
        self._failures = Failures()

    def run(self) -> int:
        stage = self._stage
        if self._count + len(self._unfinished) >= stage.trials:
            return stage.trials
        state = self._store.state(stage.source)
        if state is not None:
            stage.searcher.restore(state)
        bound = MAX_PROPOSALS * stage.trials
        while self._count < stage.trials and (self._batch - self._first_batch) * stage.batch_size < bound:
            self._run_batch(stage.searcher.propose(stage.batch_size))
        return self._count

    def _run_batch(self, programs: Sequence[Program]) -> None:
        keys = keys_of(programs)
        equals = self._known.representatives(keys)
        new = [position for position, equal in enumerate(equals) if equal == position]
        planned = new[: self._stage.trials - self._count]
        trials = self._evaluate({position: programs[position] for position in planned}, keys)
        self._count += len(trials)
        if len(planned) < len(new):
            return  # The requested trials end within this batch; a longer search can continue it.
        results = [equal if isinstance(equal, Trial) else trials[equal] for equal in equals]
        duplicates = [
            Trial.duplicate(self._place(position), programs[position], keys[position], results[position])
            for position in range(len(programs))
            if position not in trials
        ]
        rewards = [trial.reward for trial in results]
        self._stage.searcher.observe(programs, rewards, [position not in trials for position in range(len(programs))])
        batch = Batch(self._batch, self._stage.source, self._stage.searcher.metrics())
        self._store.finish_batch(batch, duplicates, self._stage.searcher.state())
        for trial in duplicates:
            self._observer.on_trial(trial)
        self._observer.on_batch(batch)
        for pair, trial in zip(keys, results, strict=True):
            self._known.add(pair, trial)
        self._batch += 1
        self._unfinished = {}

    def _evaluate(self, programs: dict[int, Program], keys: Sequence[Keys]) -> dict[int, Trial]:
        """Evaluates rules and returns their trials, both by position in the batch."""
        trials, jobs = {}, []
        for position, program in programs.items():
            trial = self._unfinished.get(self._id(position))
            if trial is None:
                jobs.append(self._stage.job(self._id(position), program))
            elif trial.program == program:
                trials[position] = trial
            else:
                raise RunError(
                    f"The stored trial {trial.id} is {trial.program}, but {self._stage.source} now proposes {program}; "
                    "resume with the TensorFlow and NumPy versions of the original run (see config.json)"
                )
        for job, evaluation in self._executor.run(jobs):
            position = job.id - self._id(0)
            trial = Trial.evaluated(self._place(position), job.program, keys[position], evaluation)
            self._store.add_trial(trial)
            self._observer.on_trial(trial)
            trials[position] = trial
            self._failures.count(evaluation)
        return trials

    def _id(self, position: int) -> int:
        return self._batch * self._stage.batch_size + position

    def _place(self, position: int) -> Place:
        return Place(self._id(position), self._stage.source, self._batch)
