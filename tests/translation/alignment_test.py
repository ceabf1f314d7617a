import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models.gnmt import GNMT
from nos_tf.translation import alignment
from nos_tf.translation.batches import Pairs
from nos_tf.translation.subwords import Subwords
from tests.translation.sentences import TEXT


@pytest.fixture(scope="module")
def subwords():
    return Subwords.train(TEXT.source + TEXT.target, 150)


@pytest.fixture(scope="module")
def model(subwords):
    return GNMT(subwords.vocabulary_size, 16, 3, seed=1)


def reference(model, source, target):
    """Attention of one sentence, step by step in float64, with weights of all layers below the attention."""

    def array(weight):
        return tf.convert_to_tensor(weight).numpy().astype(np.float64)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def cell(layer, x, h, c):
        kernel, recurrent, bias = map(array, layer.weights_in("float32"))
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def lstm(layer, xs):
        h = c = np.zeros(model.units)
        found = []
        for x in xs:
            h, c = cell(layer, x, h, c)
            found.append(h)
        return np.array(found)

    embedded = array(model.source_embedding.embeddings)[source]
    x = np.concatenate(
        [lstm(model.encoder_forward, embedded), lstm(model.encoder_backward, embedded[::-1])[::-1]], axis=1
    )
    for index, layer in enumerate(model.encoder_layers, start=1):
        y = lstm(layer, x)
        x = x + y if index >= 2 else y
    attention = model.attention
    v = array(attention.v)
    keys = x @ array(attention.memory_kernel) + array(attention.b)
    h = c = context = np.zeros(model.units)
    rows = []
    for embedding in array(model.target_embedding.embeddings)[target]:
        h, c = cell(model.decoder_layers[0], np.concatenate([embedding, context]), h, c)
        scores = np.tanh(keys + h @ array(attention.query_kernel)) @ v * array(attention.scale) / np.linalg.norm(v)
        weights = np.exp(scores - scores.max())
        rows.append(weights / weights.sum())
        context = rows[-1] @ x
    return np.array(rows)


def test_weights_are_those_of_each_step(model, subwords):
    pairs = Pairs.encode(TEXT, subwords)
    found = alignment.align(model, subwords, pairs)
    assert len({one.weights.shape for one in found}) > 3  # Padding is left out.
    for one, source, target in zip(found, pairs.source, pairs.target, strict=True):
        begin, end = [2], [3]
        expected = reference(model, [*source, *end], [*begin, *target])
        np.testing.assert_allclose(one.weights, expected, rtol=1e-4, atol=1e-6)


def test_subwords_are_named(model, subwords):
    one, *_ = alignment.align(model, subwords, Pairs.encode(TEXT, subwords))
    assert "".join(one.source) == "▁The▁house▁is▁small.</s>"
    assert "".join(one.target) == "▁Das▁Haus▁ist▁klein.</s>"
    assert one.weights.shape == (len(one.target), len(one.source))


def test_figure_shows_each_pair(tmp_path):
    weights = np.eye(2, 3, dtype=np.float32)
    pairs = [alignment.Alignment(["▁a", "$x", "</s>"], ["▁b_$", "</s>"], weights * share) for share in (1, 0.5, 0.2)]
    figure = alignment.draw(pairs)
    shown = [axes for axes in figure.axes if axes.images]
    for axes, pair in zip(shown, pairs, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), pair.weights)
        assert axes.images[0].get_clim() == (0, 1)
    assert [label.get_text() for label in shown[0].get_xticklabels()] == ["▁a", r"\$x", "</s>"]
    figure.savefig(tmp_path / "attention.png")
    assert (tmp_path / "attention.png").stat().st_size > 5_000
