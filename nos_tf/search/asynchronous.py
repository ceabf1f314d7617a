"""Asynchronous search for many workers: the searcher keeps proposing while rules train, and learns as results arrive.

A fixed number of rules is in training at any time, so no worker waits for the slowest rule of a batch. In return, the
searcher learns from rules that it proposed some updates earlier (the `staleness` of a trial), and the trials depend on
timing. Bello et al. (2017) do not say how they fed results from 100 workers to their controller.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from nos_tf.common.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.executors.job import Executor, Job
from nos_tf.search.known import KnownRules, keys_of
from nos_tf.search.loop import MAX_PROPOSALS, Failures, Stage
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import Batch, Keys, Place, Proposal, Trial
from nos_tf.searchers.searcher import OffPolicy


def run_stage(stage: Stage, in_flight: int, store: Store, executor: Executor, observer: Observer) -> int:
    """Runs one searcher until its trials are done, resuming from the state in the store.

    Args:
      stage: The searcher and its trials.
      in_flight: Number of rules in training at once.
      store: Same as for `nos_tf.search.loop.run_stage`; also keeps proposals that are not evaluated yet.
      executor: Evaluates rules.
      observer: Notified of each trial and batch.

    Returns:
      Number of distinct rules evaluated for this stage; fewer than requested if the searcher only repeats itself.

    Raises:
      RunError: Nothing can be evaluated or stored, or the stored proposals differ from the searcher's.
    """
    return _Run(stage, in_flight, store, executor, observer).run()


@dataclasses.dataclass(frozen=True)
class _Arrival:
    """A proposal whose reward is known."""

    proposal: Proposal
    reward: float
    duplicate: Trial | None  # The trial to store, if it is a duplicate.


class _Run:
    def __init__(self, stage: Stage, in_flight: int, store: Store, executor: Executor, observer: Observer):
        self._stage = stage
        self._in_flight = in_flight
        self._store = store
        self._executor = executor
        self._observer = observer
        trials, proposals = store.trials(), store.proposals()
        stage_trials = [trial for trial in trials if trial.source == stage.source]
        others = [trial.batch for trial in trials if trial.source != stage.source]
        finished = [batch.number for batch in store.batches() if batch.source == stage.source]
        first = min([trial.batch for trial in stage_trials] + finished, default=max(others, default=-1) + 1)
        self._batch = max(finished, default=first - 1) + 1
        self._known = KnownRules(trials)
        self._count = sum(trial.duplicate_of is None for trial in stage_trials)
        self._next_id = max([trial.id for trial in trials] + [proposal.id for proposal in proposals], default=-1) + 1
        self._failures = Failures()
        self._waiting: collections.deque[Job] = collections.deque()
        self._out: dict[int, list[Proposal]] = {}  # The proposal in training and those equal to it, by its id.
        self._keys: dict[int, Keys] = {}  # Keys of the proposals, by id.
        self._leaders: dict[str, int] = {}  # Id of the proposal in training with a key.
        # Proposals are stored with the next result; those lost in a kill are proposed again on resume.
        self._unstored: list[Proposal] = []
        self._arrived: list[_Arrival] = []
        mine = [proposal for proposal in proposals if proposal.source == stage.source]
        self._proposed = len(mine)
        done = {trial.id: trial for trial in stage_trials}
        # Results already learned from are part of the searcher's state; later ones must be replayed first.
        arrived = [(proposal, done.get(proposal.id)) for proposal in mine]
        self._unlearned = [(one, trial) for one, trial in arrived if trial is not None and trial.batch == self._batch]
        self._unfinished = [proposal for proposal in mine if proposal.id not in done]
        self._since = [proposal for proposal in mine if proposal.batch == self._batch]

    def run(self) -> int:
        stage = self._stage
        if self._count >= stage.trials:
            return stage.trials
        state = self._store.state(stage.source)
        if state is not None:
            stage.searcher.restore(state)
        self._repropose()
        for proposal, trial in self._unlearned:
            self._arrive(_Arrival(proposal, trial.reward, None))
        for proposal in self._unfinished:
            self._place(proposal)
        self._propose()
        for job, evaluation in self._executor.run(self._waiting):
            self._finish(job, evaluation)
            self._propose()
        return self._count

    def _repropose(self) -> None:
        """Restores the searcher's random state by repeating its proposals since the last update."""
        for proposal in self._since:
            (program,) = self._stage.searcher.propose(1)
            if program != proposal.program:
                raise RunError(
                    f"The stored proposal {proposal.id} is {proposal.program}, but {self._stage.source} now proposes "
                    f"{program}; resume with the TensorFlow and NumPy versions of the original run (see config.json)"
                )

    def _propose(self) -> None:
        """Proposes rules until `in_flight` of them are in training."""
        stage, searcher = self._stage, self._stage.searcher
        while (
            len(self._out) < min(self._in_flight, stage.trials - self._count)
            and self._proposed < MAX_PROPOSALS * stage.trials
        ):
            programs = searcher.propose(1)
            log_probs = tuple(searcher.log_probs(programs)[0].tolist()) if isinstance(searcher, OffPolicy) else ()
            proposal = Proposal(self._next_id, stage.source, self._batch, programs[0], log_probs)
            self._next_id += 1
            self._proposed += 1
            self._unstored.append(proposal)
            self._place(proposal)

    def _place(self, proposal: Proposal) -> None:
        """Queues a proposal for training, unless an equal rule is in training or already has a reward."""
        (keys,) = keys_of([proposal.program])
        self._keys[proposal.id] = keys
        known = self._known.find(keys)
        if known is not None:
            self._arrive_duplicate(proposal, known)
            return
        leader = next((self._leaders[key] for key in keys if key in self._leaders), proposal.id)
        for key in keys:
            self._leaders.setdefault(key, leader)
        self._out.setdefault(leader, []).append(proposal)
        if leader == proposal.id:
            self._waiting.append(self._stage.job(proposal.id, proposal.program))

    def _finish(self, job: Job, evaluation: Evaluation) -> None:
        proposal, *equals = self._out.pop(job.id)
        self._leaders = {key: leader for key, leader in self._leaders.items() if leader != job.id}
        keys = self._keys[job.id]
        trial = Trial.evaluated(self._place_of(proposal), job.program, keys, evaluation)
        self._store.add_trial(trial, self._unstored)
        self._unstored = []
        self._observer.on_trial(trial)
        self._known.add(keys, trial)
        self._count += 1
        self._failures.count(evaluation)
        self._arrive(_Arrival(proposal, trial.reward, None))
        for equal in equals:
            self._arrive_duplicate(equal, trial)

    def _arrive_duplicate(self, proposal: Proposal, known: Trial) -> None:
        keys = self._keys[proposal.id]
        self._known.add(keys, known)
        trial = Trial.duplicate(self._place_of(proposal), proposal.program, keys, known)
        self._arrive(_Arrival(proposal, known.reward, trial))

    def _place_of(self, proposal: Proposal) -> Place:
        return Place(proposal.id, proposal.source, self._batch, self._batch - proposal.batch)

    def _arrive(self, arrival: _Arrival) -> None:
        self._arrived.append(arrival)
        if len(self._arrived) == self._stage.batch_size:
            self._learn(self._arrived)
            self._arrived = []

    def _learn(self, arrivals: Sequence[_Arrival]) -> None:
        searcher = self._stage.searcher
        programs = [arrival.proposal.program for arrival in arrivals]
        rewards = [arrival.reward for arrival in arrivals]
        repeats = [arrival.duplicate is not None for arrival in arrivals]
        if isinstance(searcher, OffPolicy):
            log_probs = np.array([arrival.proposal.log_probs for arrival in arrivals], np.float32)
            searcher.observe_late(programs, rewards, repeats, log_probs)
        else:
            searcher.observe(programs, rewards, repeats)
        staleness = float(np.mean([self._batch - arrival.proposal.batch for arrival in arrivals]))
        batch = Batch(self._batch, self._stage.source, searcher.metrics() | {"staleness": staleness})
        duplicates = [arrival.duplicate for arrival in arrivals if arrival.duplicate is not None]
        self._store.finish_batch(batch, duplicates, searcher.state(), self._unstored)
        self._unstored = []
        for trial in duplicates:
            self._observer.on_trial(trial)
        self._observer.on_batch(batch)
        self._batch += 1
