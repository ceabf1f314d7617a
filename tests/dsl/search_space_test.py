import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nos_tf.dsl import CONSTRAINTS, Program, SearchSpace
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY

ALL_CONSTRAINTS = [
    frozenset(names) for count in range(4) for names in itertools.combinations(sorted(CONSTRAINTS), count)
]


def _all_programs(num_groups, operands, unary, binary, constraints):
    """Yields programs by brute force: all token sequences, filtered by the constraints as the paper states them."""
    choices = []
    for group in range(num_groups):
        names = operands + ("b1", "b2", "b3")[:group]
        choices += [names, names, unary, unary, binary]
    for tokens in itertools.product(*choices):
        groups = [tokens[i : i + 5] for i in range(0, len(tokens), 5)]
        if "different_operands" in constraints and any(group[0] == group[1] for group in groups):
            continue
        if "no_final_addition" in constraints and groups[-1][4] == "+":
            continue
        if "reuse_groups" in constraints and not all(
            group[0] in ("b1", "b2", "b3") or group[1] in ("b1", "b2", "b3") for group in groups[1:]
        ):
            continue
        yield tokens


def test_sizes_of_the_paper():
    assert SearchSpace(num_groups=1).size == 249_696
    assert SearchSpace(num_groups=2).size == 69_898_899_456
    assert SearchSpace(num_groups=3).size == pytest.approx(2.2e16, rel=0.05)
    assert SearchSpace(num_groups=4).size == pytest.approx(7.5e21, rel=0.05)


@pytest.mark.parametrize("constraints", ALL_CONSTRAINTS, ids=lambda names: "+".join(sorted(names)) or "none")
@pytest.mark.parametrize(
    ("num_groups", "operands", "unary", "binary"),
    [
        (1, ("g", "m", "v"), ("identity", "exp"), ("+", "*", "left")),
        (2, ("g", "m"), ("identity", "neg"), ("+", "*")),
        (3, ("g", "m"), ("identity",), ("+", "-")),
        (2, ("g",), ("identity",), ("+", "*")),
    ],
)
def test_size_membership_and_masks_by_enumeration(num_groups, operands, unary, binary, constraints):
    expected = set(_all_programs(num_groups, operands, unary, binary, constraints))
    if not expected:
        with pytest.raises(ValueError, match="No program of this search space meets its constraints"):
            SearchSpace(num_groups, operands, unary, binary, constraints)
        return
    space = SearchSpace(num_groups, operands, unary, binary, constraints)
    assert space.size == len(expected)
    for tokens in _all_programs(num_groups, operands, unary, binary, frozenset()):
        assert (Program(tokens) in space) == (tokens in expected)

    def walk(prefix):
        """Yields all programs that the masks allow, and checks that no prefix is a dead end."""
        if len(prefix) == space.length:
            yield space.decode(prefix).tokens
            return
        mask = space.mask(prefix)
        assert mask.dtype == bool
        assert mask.shape == (len(space.vocabulary(len(prefix))),)
        assert mask.any()
        for index in np.flatnonzero(mask):
            yield from walk([*prefix, int(index)])

    walked = list(walk([]))
    assert len(walked) == len(expected)
    assert set(walked) == expected


@pytest.mark.parametrize("constraints", [frozenset(), frozenset(CONSTRAINTS)])
def test_samples_are_uniform(constraints):
    space = SearchSpace(2, ("g", "m"), ("identity", "exp"), ("+", "*"), constraints)
    programs = sorted(_all_programs(2, space.operands, space.unary, space.binary, constraints))
    index = {tokens: i for i, tokens in enumerate(programs)}
    rng = np.random.default_rng(3)
    counts = np.zeros(len(programs))
    for _ in range(12 * len(programs)):
        counts[index[space.sample(rng).tokens]] += 1
    assert stats.chisquare(counts).pvalue > 1e-3


def test_samples_repeat_with_the_seed():
    space = SearchSpace(num_groups=3)
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    assert [space.sample(one) for _ in range(20)] == [space.sample(two) for _ in range(20)]


@st.composite
def spaces(draw):
    def subset(names):
        return tuple(draw(st.lists(st.sampled_from(list(names)), min_size=2, max_size=6, unique=True)))

    constraints = frozenset(draw(st.lists(st.sampled_from(CONSTRAINTS), unique=True)))
    return SearchSpace(draw(st.integers(1, 4)), subset(OPERANDS), subset(UNARY), subset(BINARY), constraints)


@settings(max_examples=100, deadline=None)
@given(spaces(), st.integers(0, 2**32))
def test_encode_and_decode(space, seed):
    program = space.sample(np.random.default_rng(seed))
    assert program in space
    indices = space.encode(program)
    assert indices.dtype == np.int32
    assert indices.shape == (space.length,)
    assert space.decode(indices) == program
    for position, index in enumerate(indices):
        assert space.mask(list(indices[:position]))[index]


def test_vocabularies_grow_with_each_group():
    space = SearchSpace(2, ("g", "m"), ("identity",), ("+", "*"))
    assert space.vocabulary(0) == space.vocabulary(1) == ("g", "m")
    assert space.vocabulary(5) == space.vocabulary(6) == ("g", "m", "b1")
    assert space.vocabulary(2) == space.vocabulary(8) == ("identity",)
    assert space.vocabulary(4) == space.vocabulary(9) == ("+", "*")
    assert space.length == 10


def test_programs_outside_the_space_are_not_encoded():
    space = SearchSpace(1, ("g", "m"), ("identity",), ("*",))
    other = Program(("g", "v", "identity", "identity", "*"))
    assert other not in space
    assert Program(("g", "m", "identity", "identity", "*") * 2) not in space
    with pytest.raises(ValueError, match="not in this search space"):
        space.encode(other)


def test_lists_and_sets_are_accepted():
    space = SearchSpace(1, ["g", "m"], ["identity"], ["*"], {"different_operands"})
    assert space == SearchSpace(1, ("g", "m"), ("identity",), ("*",), frozenset({"different_operands"}))
    assert len({space, SearchSpace(1, ("g", "m"), ("identity",), ("*",), ["different_operands"])}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_groups": 0}, "num_groups must be an integer from 1 to 4. Received: num_groups=0"),
        ({"num_groups": 2.0}, "Received: num_groups=2.0"),
        ({"operands": [["g"]]}, "Unknown name in operands"),
        ({"num_groups": 5}, "Received: num_groups=5"),
        ({"operands": ()}, r"operands must not be empty.* Received: operands=\(\)$"),
        ({"unary": []}, "unary must not be empty"),
        ({"binary": ()}, "binary must not be empty"),
        ({"operands": ("g", "g")}, "operands must not repeat a name"),
        ({"operands": ("g", "gradient")}, "Unknown name in operands.*Received: 'gradient'"),
        ({"operands": ("g", "b1")}, "Unknown name in operands"),
        ({"unary": ("identity", "sqr")}, "Unknown name in unary; did you mean 'sqrt'?"),
        ({"binary": ("plus",)}, "Unknown name in binary"),
        ({"constraints": {"reuse"}}, "Unknown name in constraints; did you mean 'reuse_groups'?"),
        ({"operands": "g"}, "operands must be a sequence of names"),
        ({"binary": ("+",), "constraints": {"no_final_addition"}}, "No program of this search space"),
        ({"operands": ("g",), "constraints": {"different_operands"}}, "No program of this search space"),
    ],
)
def test_impossible_spaces(arguments, message):
    with pytest.raises(ValueError, match=message):
        SearchSpace(**arguments)


@pytest.mark.parametrize("constraints", [(), CONSTRAINTS])
def test_lists_every_program_once(constraints):
    space = SearchSpace(2, ("g", "m"), ("identity", "exp"), ("+", "*"), frozenset(constraints))
    programs = list(space.programs())
    assert len(set(programs)) == len(programs) == space.size
    assert all(program in space for program in programs)
