"""The judges are right about rules whose relation is known."""

import pytest

from tests.dsl.algebra import canonical_test
from tests.dsl.algebra.judge import DIFFERENT, EQUAL, UNDECIDED, ExactJudge, FastJudge

FAST = FastJudge(11)
EXACT = ExactJudge(12, FAST)
# These differ only where there are no points, or in constants that points cannot scale.
OUT_OF_SIGHT = ("sign(2 + 1e-4*w)", "sign(exp(-exp(g)))", "exp(exp(exp(g)))", "m + exp(exp(exp(2)))")


@pytest.mark.parametrize(("first", "second"), canonical_test.EQUAL)
def test_equal_rules(first, second):
    pair = canonical_test.parse_short(first), canonical_test.parse_short(second)
    assert FAST.compare(*pair) in (EQUAL, UNDECIDED)
    assert EXACT.compare(*pair) == EQUAL


@pytest.mark.parametrize(
    ("first", "second"), [pair for pair in canonical_test.DIFFERENT if pair[0] not in OUT_OF_SIGHT]
)
def test_different_rules(first, second):
    pair = canonical_test.parse_short(first), canonical_test.parse_short(second)
    assert DIFFERENT in (FAST.compare(*pair), EXACT.compare(*pair))
