"""Random search draws uniformly, however its proposals are batched."""

import collections

import scipy.stats

from nos_tf import searchers
from nos_tf.dsl.search_space import SearchSpace

SMALL = SearchSpace(1, ("g", "m", "v"), ("identity", "sign"), ("+", "*"), frozenset({"different_operands"}))


def test_draws_are_uniform():
    drawn = collections.Counter(searchers.get("random", SMALL, 0).propose(100 * SMALL.size))
    assert len(drawn) == SMALL.size
    assert scipy.stats.chisquare(list(drawn.values())).pvalue > 1e-3


def test_batching_does_not_change_the_draws():
    one, many = searchers.get("random", SMALL, 5), searchers.get("random", SMALL, 5)
    assert one.propose(10) == [program for count in (1, 4, 5) for program in many.propose(count)]
