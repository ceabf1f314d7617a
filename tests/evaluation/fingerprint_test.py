"""Which rules share a fingerprint, and that such rules train alike."""

import numpy as np
import pytest

import nos_tf
from nos_tf.dsl import Program, SearchSpace, canonical_keys, parse
from nos_tf.dsl.primitives import UNARY
from nos_tf.evaluation import Evaluator
from nos_tf.evaluation.fingerprint import fingerprints
from nos_tf.evaluation.gradient_streams import SIZES, streams
from nos_tf.evaluation.responses import responses
from nos_tf.evaluation.screening import screen


@pytest.mark.parametrize(
    "texts",
    [
        ("sign(adam)", "sign(m)"),
        ("sign(rmsprop)", "sign(g)", "sign(g**3)"),
        ("g", "g + g", "g * 2", "g / 2", "g * 1"),
        ("clip(2, 1e-5)", "clip(1, 1e-3)", "1", "2"),
        ("m + g", "g + m"),
        ("sign(m) * sqrt(v)", "sqrt(v) * sign(adam)"),
        ("left(m, noise)", "m"),
        ("drop(g, 0.3) * sign(adam)", "drop(g, 0.3) * sign(m)"),
        ("log(sign(g))", "log(sign(rmsprop))"),
    ],
)
def test_rules_that_behave_alike_share_a_fingerprint(texts):
    assert len(set(fingerprints(map(parse, texts)))) == 1


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("g", "-g"),
        ("g", "m"),
        ("adam", "m"),
        ("adam", "rmsprop"),
        ("g", "g**3"),
        ("sign(g)", "sign(m)"),
        ("g", "clip(g, 1e-3)"),
        ("clip(adam, 1e-3)", "sign(m)"),  # Differ once gradients have vanished and adam decays to zero.
        ("clip(rmsprop, 1e-5)", "sign(g)"),  # Differ once gradients have become much smaller.
        ("clip(noise, 1e-5)", "sign(noise)"),
        ("clip(1e-2*w, 1e-4)", "clip(1e-1*w, 1e-4)"),
        ("1e-4*w", "clip(1e-4*w, 1e-3)"),  # Differ for weights above 10.
        ("g", "g + clip(m, 1e-5)"),
        ("g", "g + 1e-4*w"),
        ("g", "exp(clip(m, 1e-4)) * g"),
        ("g / m", "g * m"),
        ("g * (1e-3*w)", "g * clip(1e-3*w, 1e-3)"),
        ("drop(g, 0.3)", "drop(g, 0.5)"),
        ("drop(g, 0.3)", "g"),
        ("drop(g, 0.3) + drop(m, 0.3)", "b1 = g + m; drop(b1, 0.3)"),
        ("noise", "annealed_noise"),
        ("noise + g", "g"),
        ("ld * g", "cd * g"),
        ("cd * g", "rd * g"),
        ("g", "g / g"),
    ],
)
def test_rules_that_train_differently_have_different_fingerprints(text, other):
    first, second = fingerprints([parse(text), parse(other)])
    assert first != second


def test_random_masks_belong_to_their_position():
    """These are the same function, but in training, each position in a program draws its own masks."""
    first = Program.from_tokens(["g", "m", "drop_0.3", "identity", "*"])
    second = Program.from_tokens(["m", "g", "identity", "drop_0.3", "*"])
    assert len(set(canonical_keys([first, second]))) == 1
    assert len(set(fingerprints([first, second]))) == 2


@pytest.mark.parametrize("num_groups", [1, 2, 3])
def test_fingerprints_do_not_depend_on_the_other_rules(num_groups):
    rng = np.random.default_rng(num_groups)
    programs = [SearchSpace(groups).sample(rng) for _ in range(100) for groups in range(1, num_groups + 1)]
    together = fingerprints(programs)
    assert all(len(text) == 32 for text in together)
    assert [fingerprints([program])[0] for program in programs[::7]] == together[::7]


@pytest.mark.parametrize("num_groups", [1, 2])
def test_rounding_rarely_separates_equal_rules(num_groups):
    """Rules that are equal by algebra compute the same values with different operations."""
    unary = tuple(name for name, entry in UNARY.items() if not entry.stochastic)
    space = SearchSpace(num_groups, operands=("g", "m", "v", "sign(g)", "1e-2*w", "2"), unary=unary)
    rng = np.random.default_rng(0)
    programs = [space.sample(rng) for _ in range(1_500)]
    by_key: dict[str, list[str]] = {}
    for key, text in zip(canonical_keys(programs), fingerprints(programs), strict=True):
        by_key.setdefault(key, []).append(text)
    several = [texts for texts in by_key.values() if len(texts) > 1]
    assert len(several) > 100
    assert sum(len(set(texts)) > 1 for texts in several) < 0.03 * len(several)


def _merged_pairs(count):
    """Returns pairs of rules with a common fingerprint but different keys, which are not screened out."""
    rng, pairs, first = np.random.default_rng(0), {}, {}
    while len(pairs) < count:
        programs = [SearchSpace(groups).sample(rng) for groups in (1, 1, 1, 2) for _ in range(500)]
        for program, key, text, reason in zip(
            programs, canonical_keys(programs), fingerprints(programs), screen(programs), strict=True
        ):
            other, other_key = first.setdefault(text, (program, key))
            if key != other_key and reason is None and text not in pairs:
                pairs[text] = other, program
    return list(pairs.values())[:count]


_PAIRS = 120


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_merged_rules_train_alike():
    """Trains at a rate at which the typical update is a hundredth of a typical weight.

    Some trainings amplify rounding errors, so differences are compared with those from a tiny change of the rate.
    """
    evaluator = Evaluator(nos_tf.tasks.get("digits"))
    shape, size = streams().shape, SIZES.index(1e-2)
    differences, noise, rewards = [], [], []
    for pair in _merged_pairs(_PAIRS):
        with np.errstate(all="ignore"):
            sizes = [np.nanmedian(np.abs(values.reshape(shape)[0, size])) for values in next(responses(pair))]
        if not all(0.0 < size < np.inf for size in sizes):
            continue
        one, other = (evaluator.train(rule, 3e-3 / size, seed=0) for rule, size in zip(pair, sizes, strict=True))
        assert one.status == other.status, pair
        near = evaluator.train(pair[0], 3e-3 / sizes[0] * (1 + 1e-5), seed=0)
        differences.append(abs(one.reward - other.reward))
        noise.append(abs(one.reward - near.reward))
        rewards.append(one.reward)
    assert len(differences) > 0.9 * _PAIRS
    assert np.mean(np.array(rewards) > 0.3) > 0.2
    assert np.quantile(differences, 0.9) < 1e-3
    for share in (0.95, 0.99, 1.0):
        assert np.quantile(differences, share) < 1e-3 + 2.0 * np.quantile(noise, share)
