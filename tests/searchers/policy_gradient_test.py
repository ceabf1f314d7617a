"""The controller learns, in far fewer samples than random search, and continues exactly where it was stopped."""

import json
import subprocess
import sys

import numpy as np
import pytest

from experiments.compare_searchers import paper
from nos_tf import searchers
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from tests.searchers import synthetic

CONTINUE = """
import json, sys
import numpy as np
from tests.searchers import policy_gradient_test
path, out = sys.argv[1:]
tokens = {}
for name in policy_gradient_test.RESTORED:
    searcher = policy_gradient_test.small(name)
    with np.load(f"{path}/{name}.npz", allow_pickle=False) as state:
        searcher.restore(state)
    tokens[name] = policy_gradient_test.advance(searcher, 3)
    np.savez(f"{out}/{name}.npz", **searcher.state())
print(json.dumps(tokens))
"""


RESTORED = ("ppo", "trpo")  # With and without Adam's slots.
SPACE = SearchSpace(num_groups=1, constraints=frozenset(CONSTRAINTS))


def small(name, seed=3, **settings):
    return searchers.get(name, SPACE, seed, **({"units": 20} | settings))


def advance(searcher, updates):
    """Runs some updates, and returns the proposed tokens."""
    proposed = []
    for _ in range(updates):
        programs = searcher.propose(6)
        searcher.observe(programs, [len(str(program)) % 7 for program in programs], [False] * len(programs))
        assert all(program in SPACE for program in programs)
        proposed += [list(program.tokens) for program in programs]
    return proposed


def test_synthetic_rewards_have_the_documented_distribution():
    reward, rng = synthetic.sparse_reward(1), np.random.default_rng(0)
    rewards = np.array([reward(synthetic.SPACE.encode(synthetic.SPACE.sample(rng))) for _ in range(4000)])
    assert 0.7 < np.mean(rewards == 0) < 0.85
    for matches in (2, 3, 4):
        assert np.mean(rewards >= matches / 10) <= synthetic.chance_of_matches(matches)
    assert synthetic.chance_of_matches(7) < 1e-5


@pytest.mark.parametrize("name", searchers.POLICY_GRADIENTS)
def test_learns_a_sparse_reward_that_random_search_would_not(name):
    _check_learning(name, synthetic.sparse_reward(0), seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reward", [synthetic.dense_reward, synthetic.sparse_reward])
@pytest.mark.parametrize("name", searchers.POLICY_GRADIENTS)
def test_learns_over_seeds_and_rewards(name, reward, seed):
    _check_learning(name, reward(seed), seed)


def _check_learning(name, reward, seed):
    """Checks that 7 of 10 tokens match within 500 trials; random search needs more than 100,000 on average."""
    rewards = synthetic.run(searchers.get(name, synthetic.SPACE, seed), reward, 500)
    random = synthetic.run(searchers.get("random", synthetic.SPACE, seed), reward, 500)
    assert rewards.max() >= 0.7 > random.max()
    assert rewards[-100:].mean() > 0.5 > 5 * random.mean()


@pytest.mark.slow
@pytest.mark.parametrize("name", paper.SETTINGS)
def test_the_papers_settings_run(name):
    searcher = searchers.get(name, synthetic.SPACE, 0, **paper.SETTINGS[name])
    before = searcher.state()["policy/0"]
    synthetic.run(searcher, synthetic.dense_reward(0), 50, batch=paper.BATCH_SIZE)
    assert searcher.metrics()["entropy"] > 1.5
    assert (searcher.state()["policy/0"] != before).any()


def test_late_results_are_learned_from_with_the_probabilities_of_their_proposal():
    weights = []
    for shift in (None, 0.0, -1.0):
        searcher = small("ppo")
        programs = searcher.propose(4)
        log_probs = searcher.log_probs(programs)
        assert log_probs.shape == (4, SPACE.length)
        assert (log_probs < 0).all()
        observed = programs, [0.1, 0.9, 0.2, 0.4], [False] * 4
        if shift is None:
            searcher.observe(*observed)
        else:
            searcher.observe_late(*observed, log_probs + np.float32(shift))
        weights.append(searcher.state()["policy/0"])
    np.testing.assert_allclose(weights[1], weights[0], atol=1e-5)
    assert np.abs(weights[2] - weights[0]).max() > 1e-4


def test_a_new_process_continues_bit_for_bit(tmp_path):
    (tmp_path / "out").mkdir()
    expected, states = {}, {}
    for name in RESTORED:
        searcher = small(name)
        advance(searcher, 2)
        np.savez(tmp_path / f"{name}.npz", **searcher.state())
        expected[name] = advance(searcher, 3)
        states[name] = searcher.state()
    command = [sys.executable, "-c", CONTINUE, str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == expected
    for name, state in states.items():
        with np.load(tmp_path / "out" / f"{name}.npz", allow_pickle=False) as continued:
            assert state.keys() == set(continued)
            for key, array in state.items():
                np.testing.assert_array_equal(array, continued[key], err_msg=f"{name}: {key}")


def test_metrics_after_an_update():
    searcher = small("ppo")
    assert searcher.metrics() == {}
    advance(searcher, 1)
    assert searcher.metrics().keys() == {"loss", "entropy", "kl", "baseline"}


def test_a_state_of_other_settings_is_refused_and_changes_nothing():
    searcher = small("reinforce")
    before = searcher.state()
    for other, field in (
        (small("ppo"), "searcher"),
        (small("reinforce", seed=4), "seed"),
        (small("reinforce", units=21), "units"),
        (small("reinforce", learning_rate=0.5), "learning_rate"),
    ):
        with pytest.raises(ValueError, match=f"another {field}; .* Received: "):
            searcher.restore(other.state())
    with pytest.raises(ValueError, match=r"damaged .* the array policy/1"):
        searcher.restore(before | {"policy/1": before["policy/1"][1:]})
    for name, array in searcher.state().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(("repeats_earn", "earned"), [(False, [0.9, 0.0, 0.3, 0.0]), (True, [0.9, 0.9, 0.3, 0.3])])
def test_a_repeat_earns_what_the_setting_says(repeats_earn, earned):
    told, judged = (small("ppo", repeats_earn=repeats_earn) for _ in range(2))
    programs = told.propose(4)
    judged.propose(4)
    told.observe(programs, [0.9, 0.9, 0.3, 0.3], [False, True, False, True])
    judged.observe(programs, earned, [False] * 4)
    state, expected = told.state(), judged.state()
    assert state.keys() == expected.keys()
    assert all(np.array_equal(state[name], expected[name]) for name in state)
