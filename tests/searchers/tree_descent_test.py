"""Tree descent: what it fixes and when, and that it finds better rules than random search."""

import numpy as np

from nos_tf import searchers
from nos_tf.dsl.search_space import SearchSpace
from tests.searchers import synthetic

SPACE = SearchSpace(num_groups=1)


def observe(searcher, programs, rewards):
    searcher.observe(programs, rewards, [False] * len(programs))


def level(searcher, count, reward):
    """Runs one level in two batches, and returns its programs."""
    programs = []
    for size in (count - 2, 2):
        batch = searcher.propose(size)
        observe(searcher, batch, [reward(program) for program in batch])
        programs += batch
    return programs


def test_each_level_fixes_one_token_of_the_best_program_so_far_and_the_last_restarts():
    numbers = {token: index for index, token in enumerate(("g", "m", *SPACE.unary, *SPACE.binary))}
    searcher = searchers.get("tree_descent", SPACE, 3, samples=6)

    def reward(program):
        return sum(numbers.get(token, 0) * 7**place for place, token in enumerate(program.tokens)) % 101

    seen = []
    for fixed in range(SPACE.length):
        assert searcher.metrics() == {"tokens_fixed": fixed}
        best = max(seen, key=reward, default=None)
        programs = level(searcher, 6, reward)
        if best is not None:
            assert {program.tokens[:fixed] for program in programs} == {best.tokens[:fixed]}
        seen += programs
    assert searcher.metrics() == {"tokens_fixed": 0.0}
    assert len({program.tokens[0] for program in level(searcher, 12, lambda program: 0.0)}) > 3


def test_a_new_descent_forgets_the_best_rule_of_the_last_one():
    searcher = searchers.get("tree_descent", SPACE, 1, samples=10)
    for _ in range(SPACE.length):
        level(searcher, 10, lambda program: 1.0)
    programs = level(searcher, 10, lambda program: len(str(program)) / 1_000)
    best = max(programs, key=lambda program: len(str(program)))
    assert {program.tokens[0] for program in searcher.propose(10)} == {best.tokens[0]}


def test_draws_are_uniform_token_by_token_and_meet_the_constraints():
    space = SearchSpace(
        num_groups=2, constraints=frozenset(("different_operands", "reuse_groups", "no_final_addition"))
    )
    programs = searchers.get("tree_descent", space, 0).propose(6000)
    assert all(program in space for program in programs)
    for position in (0, 4):
        _, counts = np.unique([program.tokens[position] for program in programs], return_counts=True)
        assert counts.size == len(space.vocabulary(position))
        assert 0.8 < counts.min() / counts.mean() <= counts.max() / counts.mean() < 1.2


def test_finds_better_programs_than_random_search_in_as_many_samples():
    found = {name: [] for name in ("tree_descent", "random")}
    for seed in range(20):
        for name, best in found.items():
            searcher = searchers.get(name, synthetic.SPACE, seed)
            best.append(synthetic.run(searcher, synthetic.dense_reward(seed), 26 * synthetic.SPACE.length).max())
    assert np.mean(found["tree_descent"]) > np.mean(found["random"]) + 0.03
