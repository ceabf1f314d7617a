"""Regularized evolution: its mutations, tournaments and deaths, and that it beats random search."""

import itertools

import numpy as np
import pytest

from nos_tf import canonical_keys, searchers
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.searchers.evolution import mutate
from tests.searchers import synthetic

CONSTRAINT_SETS = [chosen for size in range(4) for chosen in itertools.combinations(CONSTRAINTS, size)]


def differences(first, second):
    return sum(a != b for a, b in zip(first.tokens, second.tokens, strict=True))


def parents_of(children, programs):
    """Returns the indices of the programs that are closest to the children."""
    return {int(np.argmin([differences(child, program) for program in programs])) for child in children}


def observe(evolution, programs, rewards):
    evolution.observe(programs, rewards, [False] * len(programs))


def test_a_mutation_replaces_exactly_one_token():
    space, rng = SearchSpace(num_groups=2), np.random.default_rng(0)
    changed = np.zeros(space.length, int)
    for _ in range(2000):
        tokens = space.encode(space.sample(rng))
        different = mutate(space, tokens, rng) != tokens
        assert different.sum() == 1
        changed += different
    assert changed.min() > 120  # 200 on average, so every position mutates.


@pytest.mark.parametrize("constraints", CONSTRAINT_SETS)
def test_mutations_stay_in_the_space_and_reach_all_of_it(constraints):
    space = SearchSpace(2, ("g", "m"), ("identity",), ("+", "*"), frozenset(constraints))
    rng = np.random.default_rng(0)
    reached = {tuple(space.encode(space.sample(rng)))}
    frontier = list(reached)
    while frontier:
        tokens = np.array(frontier.pop(), np.int32)
        for _ in range(60):
            mutant = mutate(space, tokens, rng)
            assert space.decode(mutant.tolist()) in space
            assert np.any(mutant != tokens)
            if tuple(mutant) not in reached:
                reached.add(tuple(mutant))
                frontier.append(tuple(mutant))
    assert len(reached) == space.size


def test_the_only_program_in_a_space_does_not_mutate():
    space = SearchSpace(1, ("g",), ("sign",), ("*",))
    tokens = np.zeros(5, np.int32)
    np.testing.assert_array_equal(mutate(space, tokens, np.random.default_rng(0)), tokens)


def test_the_first_population_is_random_and_the_rest_are_children():
    space = SearchSpace(num_groups=2)
    evolution = searchers.get("evolution", space, 0, population_size=10, tournament_size=3)
    parents = evolution.propose(10)
    assert parents == searchers.get("random", space, 0).propose(10)
    observe(evolution, parents, np.arange(10.0))
    children = evolution.propose(30)
    away = [min(differences(child, parent) for parent in parents) for child in children]
    assert min(away) == 1
    assert np.mean(away) < 2.0


def test_children_are_new_rules():
    space = SearchSpace(operands=("g", "m"), unary=("identity", "neg", "sign"))
    evolution = searchers.get("evolution", space, 0, population_size=5, tournament_size=3)
    observe(evolution, parents := evolution.propose(5), np.arange(5.0))
    known = set(canonical_keys(parents))
    for _ in range(6):
        keys = canonical_keys(children := evolution.propose(4))
        assert len(set(keys)) == 4
        assert not known.intersection(keys)
        known.update(keys)
        observe(evolution, children, np.arange(4.0))


def test_a_space_without_new_rules_causes_no_endless_loop():
    space = SearchSpace(operands=("g",), unary=("identity",), binary=("+", "*"))
    evolution = searchers.get("evolution", space, 0, population_size=2, tournament_size=1)
    for _ in range(3):
        observe(evolution, programs := evolution.propose(4), np.zeros(4))
        assert len(programs) == 4


def test_the_oldest_dies_however_good_it_is():
    space = SearchSpace(num_groups=2)
    evolution = searchers.get("evolution", space, 0, population_size=3, tournament_size=50)
    rng = np.random.default_rng(1)
    programs = [space.sample(rng) for _ in range(6)]
    observe(evolution, programs[:3], [9.0, 1.0, 2.0])
    assert parents_of(evolution.propose(20), programs[:3]) == {0}
    observe(evolution, programs[3:4], [0.0])
    # Programs 1, 2 and 3 are alive, with rewards 1, 2 and 0.
    assert parents_of(evolution.propose(20), programs[:4]) == {2}
    observe(evolution, programs[4:], [0.5, 0.1])
    assert parents_of(evolution.propose(20), programs) == {4}
    assert evolution.metrics() == {"population_reward": pytest.approx(0.2)}


def test_a_tournament_of_one_has_no_favorites():
    space = SearchSpace(num_groups=2)
    evolution = searchers.get("evolution", space, 0, population_size=4, tournament_size=1)
    parents = evolution.propose(4)
    observe(evolution, parents, [0.0, 1.0, 2.0, 3.0])
    children = evolution.propose(400)
    counts = [sum(parents_of([child], parents) == {place} for child in children) for place in range(4)]
    assert min(counts) > 60


@pytest.mark.parametrize("reward", [synthetic.dense_reward, synthetic.sparse_reward])
@pytest.mark.parametrize("seed", range(5))
def test_finds_what_random_search_does_not(seed, reward):
    found = synthetic.run(searchers.get("evolution", synthetic.SPACE, seed), reward(seed), 500)
    random = synthetic.run(searchers.get("random", synthetic.SPACE, seed), reward(seed), 500)
    assert found.max() >= 0.7 > random.max()


@pytest.mark.parametrize("setting", ["population_size", "tournament_size"])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=f"{setting} must be at least 1. Received: {setting}=0"):
        searchers.get("evolution", synthetic.SPACE, 0, **{setting: 0})
