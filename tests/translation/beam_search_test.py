import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models.gnmt import GNMT
from nos_tf.translation.beam_search import compile_search
from nos_tf.translation.subwords import BEGIN, END

VOCABULARY = 7  # Three subwords besides padding, unknown, beginning and end.
LONGEST = 4


def sources(number, width):
    rng = np.random.default_rng(0)
    source = rng.integers(4, VOCABULARY, (number, width)).astype(np.int32)
    lengths = rng.integers(1, width, number)
    source[np.arange(number), lengths] = END
    source[np.arange(width) > lengths[:, None]] = 0
    return source


SOURCE = sources(12, 8)


@pytest.fixture(scope="module")
def model():
    """A model with greedy translations of 1, 3, 4, 5 and more tokens; with most weights, all have the same length."""
    model = GNMT(VOCABULARY, units=8, num_layers=3, dropout=0.5)
    rng = np.random.default_rng(5)
    model.set_weights([rng.uniform(-2, 2, weight.shape) for weight in model.get_weights()])
    return model


def hypotheses(found, sentence):
    """Returns the translations of a sentence without padding, with their scores, from best to worst."""
    return [
        (tuple(int(token) for token in tokens if token), float(score))
        for tokens, score in zip(found.tokens[sentence].numpy(), found.scores[sentence].numpy(), strict=True)
        if score > -1e8
    ]


def every_translation(longest):
    tokens = [1, 4, 5, 6]
    return [(*start, END) for length in range(longest) for start in itertools.product(tokens, repeat=length)]


def coverage_of(model, source, target_in):
    """Sums the attention weights of each source position over all steps, `[targets, source]`."""
    memory = model.encode(np.tile(source, (len(target_in), 1)))
    state, total = model.initial_state(len(target_in)), 0.0
    for tokens in target_in.T:
        _, weights, state = model.step(tf.constant(tokens), state, memory)
        total = total + weights.numpy()
    return total


def exhaustive(model, source, longest, alpha, beta):
    """Returns every translation with its score, from best to worst, using teacher forcing."""
    scored = []
    for length in range(1, longest + 1):
        targets = np.array([target for target in every_translation(longest) if len(target) == length])
        target_in = np.hstack([np.full((len(targets), 1), BEGIN), targets[:, :-1]]).astype(np.int32)
        logits = model({"source": np.tile(source, (len(targets), 1)), "target_in": target_in}).numpy().astype(float)
        log_softmax = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        totals = np.take_along_axis(log_softmax, targets[..., None], -1).sum((1, 2))
        coverages = coverage_of(model, source, target_in)[:, source != 0]
        for target, total, coverage in zip(targets, totals, coverages, strict=True):
            penalty = beta * sum(math.log(min(value, 1)) for value in coverage)
            scored.append((tuple(int(token) for token in target), total / ((5 + length) / 6) ** alpha + penalty))
    return sorted(scored, key=lambda pair: -pair[1])


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.0), (0.7, 0.0), (0.6, 0.3)])
def test_a_wide_beam_equals_an_exhaustive_search(model, alpha, beta):
    number = len(every_translation(LONGEST))
    assert number == 1 + 4 + 16 + 64
    found = compile_search(model, number, alpha, beta)(SOURCE[:3], [LONGEST] * 3)
    for sentence, source in enumerate(SOURCE[:3]):
        expected = exhaustive(model, source, LONGEST, alpha, beta)
        ours = hypotheses(found, sentence)
        assert len(ours) == number
        np.testing.assert_allclose([score for _, score in ours], [score for _, score in expected], atol=1e-5)
        assert dict(ours) == pytest.approx(dict(expected), abs=1e-5)


def greedy(model, source, longest):
    """Translates by repeatedly taking the best next token of each sentence, up to its end."""
    tokens = np.full((len(source), 1), BEGIN, np.int32)
    for _ in range(max(longest) - 1):
        logits = model({"source": source, "target_in": tokens})[:, -1].numpy()
        logits[:, [0, BEGIN]] = -np.inf
        tokens = np.hstack([tokens, logits.argmax(-1)[:, None].astype(np.int32)])
    found = []
    for row, limit in zip(tokens[:, 1:].tolist(), longest, strict=True):
        length = row.index(END) if END in row[: limit - 1] else limit - 1
        found.append((*row[:length], END))
    return found


def test_a_beam_of_one_takes_the_best_token_at_each_step(model):
    longest = [9, 6, 3] * 4
    found = compile_search(model, width=1)(SOURCE, longest)
    ours = [tokens for sentence in range(len(SOURCE)) for tokens, _ in hypotheses(found, sentence)]
    assert ours == greedy(model, SOURCE, longest)
    assert len({len(tokens) for tokens in ours}) > 3


def test_translations_do_not_depend_on_the_rest_of_the_batch(model):
    search = compile_search(model, width=3, alpha=0.6, beta=0.2)
    longest = np.random.default_rng(1).integers(2, 12, len(SOURCE)).astype(np.int32)
    together = search(SOURCE, longest)
    sizes = set()
    for sentence, source in enumerate(SOURCE):
        alone = hypotheses(search(source[None, source != 0], longest[sentence : sentence + 1]), 0)
        assert dict(hypotheses(together, sentence)) == pytest.approx(dict(alone), abs=1e-5)
        assert all(len(tokens) <= longest[sentence] and tokens[-1] == END for tokens, _ in alone)
        sizes |= {len(tokens) for tokens, _ in alone}
    assert len(sizes) > 3


def test_a_forced_end_still_counts_toward_the_score(model):
    found = compile_search(model, width=2, alpha=0.0)(SOURCE[:1], [1])
    logits = model({"source": SOURCE[:1], "target_in": np.array([[BEGIN]], np.int32)})[0, 0].numpy()
    assert hypotheses(found, 0) == [((END,), pytest.approx(logits[END] - np.log(np.exp(logits).sum()), abs=1e-5))]


def test_length_normalization_favors_long_translations(model):
    search = {alpha: compile_search(model, 8, alpha) for alpha in (0.0, 5.0)}
    lengths = {
        alpha: np.mean([len(hypotheses(run(SOURCE, [8] * 12), sentence)[0][0]) for sentence in range(12)])
        for alpha, run in search.items()
    }
    assert lengths[0.0] < lengths[5.0]


def test_uses_the_current_weights_of_the_model():
    model = GNMT(VOCABULARY, units=4, num_layers=2, init_scale=1.0)
    search = compile_search(model, width=1)
    before = search(SOURCE, [8] * 12).scores.numpy()
    model.projection.set_weights([np.zeros([4, VOCABULARY])])
    after = search(SOURCE, [8] * 12)
    assert not np.allclose(before, after.scores)
    # All tokens are equally likely, and the unknown token comes first.
    np.testing.assert_array_equal(after.tokens[:, 0, 0], 1)


def test_a_diverged_model_has_no_translation():
    model = GNMT(VOCABULARY, units=4, num_layers=2)
    model.projection.set_weights([np.full([4, VOCABULARY], np.nan)])
    assert hypotheses(compile_search(model, width=2)(SOURCE, [8] * 12), 0) == []


class Sure:
    """A model that confidently says 4 eleven times and then ends; ending earlier is its second choice."""

    def encode(self, source):
        return source

    def initial_state(self, batch):
        return tf.zeros([batch, 1], tf.int32)

    def step(self, tokens, state, memory):
        say, end = tf.one_hot(tf.fill(tf.shape(tokens), 4), VOCABULARY), tf.one_hot(END, VOCABULARY)[None]
        logits = tf.where(state < 11, 12 * say + 4 * end, 4 * say + 12 * end)
        return logits, tf.ones([tf.shape(tokens)[0], tf.shape(memory)[1]]), state + 1


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_hopeless_hypotheses_that_end_early_do_not_end_the_search(alpha):
    found = compile_search(Sure(), width=4, alpha=alpha)(SOURCE[:2], [30, 20])
    for sentence in range(2):
        assert hypotheses(found, sentence)[0][0] == (4,) * 11 + (END,)
