"""Which rules stay in the race, with known rewards."""

from __future__ import annotations

import numpy as np

from experiments.discover import racing
from experiments.discover.candidates import Candidate
from nos_tf import SearchSpace, parse
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search import trial
from nos_tf.search.executors.setup import EvaluatorSetup

SETUP = EvaluatorSetup("suite")
BASELINES = [parse(text) for text in trial.BASELINES.values()]


class FakeWork:
    """Work whose rewards are given by `reward`, from the rule and the index of the seed."""

    def __init__(self, reward):
        self.reward, self.stages = reward, {}
        self._seeds = []

    def results(self, stage, setup, jobs, size):
        self.stages[stage] = {job.program for job in jobs}
        found = []
        for job in jobs:
            if job.seed not in self._seeds:
                self._seeds.append(job.seed)
            place = self._seeds.index(job.seed)
            reward = 0.2 + place / 77 if job.program in BASELINES else self.reward(job.program, place)
            found.append(Evaluation(reward, TRAINED))
        return found


def candidates(count):
    rng = np.random.default_rng(0)
    programs = {}
    while len(programs) < count:
        program = SearchSpace(2).sample(rng)
        programs[str(program)] = program
    return [Candidate(program, "somebody", 0.5) for program in programs.values()]


def test_fewer_and_fewer_rules_race_with_more_seeds():
    found = candidates(50)
    places = {one.program: place for place, one in enumerate(found)}
    work = FakeWork(lambda program, seed: places[program] / 100 + seed / 1_000)
    finalists = racing.run(work, SETUP, found, seed=0, finalists=3)
    assert [len(programs) for programs in work.stages.values()] == [50, 15, 4, 9]
    assert [one.candidate for one in finalists] == found[:-4:-1]
    assert {len(one.rewards) for one in finalists} == {8}


def test_luck_with_one_seed_does_not_last():
    found = candidates(20)
    lucky, *others = (one.program for one in found)
    places = {program: place for place, program in enumerate(others)}
    work = FakeWork(lambda p, seed: (0.9 if seed == 0 else 0.0) if p == lucky else 0.3 + places[p] / 100 + seed / 1_000)
    finalists = racing.run(work, SETUP, found, seed=0, finalists=3)
    assert [one.candidate.program for one in finalists] == others[:-4:-1]


def test_echoes_of_a_better_rule_are_not_finalists():
    found = candidates(10)
    twins = [one.program for one in found[:2]]
    places = {one.program: place for place, one in enumerate(found)}
    work = FakeWork(lambda p, seed: 0.9 + seed / 1_000 if p in twins else 0.3 + places[p] / 100 + seed / 1_000)
    finalists = racing.run(work, SETUP, found, seed=0, finalists=3)
    assert [one.candidate for one in finalists] == [found[0], found[9]]


def test_echoes_of_a_baseline_are_not_finalists():
    found = candidates(10)
    places = {one.program: place for place, one in enumerate(found)}
    work = FakeWork(lambda p, seed: 0.2 + seed / 77 + (0.1 if places[p] == 5 else 1e-4))
    finalists = racing.run(work, SETUP, found, seed=0, finalists=3)
    assert [one.candidate for one in finalists] == [found[5]]
