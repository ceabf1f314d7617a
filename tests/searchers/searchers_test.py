"""What every searcher guarantees: its proposals, its state and its errors."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from nos_tf import searchers
from nos_tf.dsl import parse
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace

SPACE = SearchSpace(num_groups=2, constraints=frozenset(CONSTRAINTS))
LIGHT = tuple(name for name in searchers.names() if name not in searchers.POLICY_GRADIENTS)


def make(name, space=SPACE, seed=0):
    return searchers.get(name, space, seed, **({"population_size": 12} if name == "evolution" else {}))


def feed(searcher, batches, size=5):
    """Runs some rounds with an arbitrary reward, and returns the proposals."""
    proposed = []
    for _ in range(batches):
        programs = searcher.propose(size)
        searcher.observe(programs, [len(str(program)) % 7 for program in programs], [False] * len(programs))
        proposed += programs
    return proposed


@pytest.mark.parametrize("name", LIGHT)
def test_proposals_are_programs_of_the_space(name):
    programs = feed(make(name), batches=8, size=7)
    assert len(programs) == 56
    assert all(program in SPACE for program in programs)


@pytest.mark.parametrize("name", LIGHT)
def test_proposals_depend_on_the_seed(name):
    first = feed(make(name), 10)
    assert feed(make(name), 10) == first
    assert feed(make(name, seed=1), 10) != first


@pytest.mark.parametrize("name", LIGHT)
def test_a_stored_and_loaded_state_continues_exactly(name, tmp_path):
    searcher = make(name)
    feed(searcher, 5)
    np.savez(tmp_path / "state.npz", **searcher.state())
    expected = feed(searcher, 5)
    other = make(name)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        other.restore(state)
    assert feed(other, 5) == expected
    for key, array in searcher.state().items():
        np.testing.assert_array_equal(other.state()[key], array)


@pytest.mark.parametrize(("name", "other"), list(itertools.permutations(LIGHT, 2)))
def test_the_state_of_another_searcher_is_refused(name, other):
    searcher = make(name)
    feed(searcher, 3)
    before = searcher.state()
    with pytest.raises(ValueError, match=f"another searcher; .* Expected: {name}. Received: {other}"):
        searcher.restore(make(other).state())
    with pytest.raises(ValueError, match="another space; "):
        searcher.restore(make(name, SearchSpace(num_groups=1)).state())
    with pytest.raises(ValueError, match=r"another seed; .* Expected: 0. Received: 1"):
        searcher.restore(make(name, seed=1).state())
    for key, array in searcher.state().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("name", LIGHT)
def test_invalid_and_damaged_states_are_refused(name):
    searcher = make(name)
    state = searcher.state()
    for damaged in ({}, {"proposed": state["proposed"]}, state | {"identity": np.array("{")}):
        with pytest.raises(ValueError, match="This is not the state of a searcher"):
            searcher.restore(damaged)
    with pytest.raises(ValueError, match=r"damaged .* the array proposed"):
        searcher.restore(state | {"proposed": np.zeros(2)})
    with pytest.raises(ValueError, match=r"damaged .* the array extra"):
        searcher.restore(state | {"extra": np.zeros(2)})
    del state["proposed"]
    with pytest.raises(ValueError, match=r"damaged .* the array proposed"):
        searcher.restore(state)


@pytest.mark.parametrize("name", LIGHT)
def test_impossible_observations_are_refused(name):
    searcher = make(name)
    programs = searcher.propose(2)
    with pytest.raises(ValueError, match=r"a repeat flag for each.* Received: 2 programs, 1 rewards, 2 repeats"):
        searcher.observe(programs, [1.0], [False, False])
    with pytest.raises(ValueError, match="Received: 2 programs, 2 rewards, 0 repeats"):
        searcher.observe(programs, [1.0, 0.5], [])
    with pytest.raises(ValueError, match="Received: 0 programs, 0 rewards"):
        searcher.observe([], [], [])
    for reward in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"finite; .* Received: {reward} for "):
            searcher.observe(programs, [0.5, reward], [False, False])
    with pytest.raises(ValueError, match="not in this search space"):
        searcher.observe([parse("g")], [0.5], [False])


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ValueError, match=r"Unknown searcher; did you mean 'evolution'\? .* Received: 'evolutoin'"):
        searchers.get("evolutoin", SPACE, 0)


def test_light_searchers_work_without_tensorflow():
    script = (
        "import sys, tests.searchers.searchers_test as t\n"
        "for name in t.LIGHT: t.feed(t.make(name), 4)\n"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
