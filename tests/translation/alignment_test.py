import numpy as np
import pytest

from nos_tf.models.gnmt import GNMT
from nos_tf.optimizers import get
from nos_tf.translation import alignment
from nos_tf.translation.batches import Pairs, TrainingBatches
from nos_tf.translation.loss import SmoothedCrossEntropy
from nos_tf.translation.subwords import BEGIN, END, Subwords
from tests.models import gnmt_twin
from tests.translation.sentences import TEXT


@pytest.fixture(scope="module")
def subwords():
    return Subwords.train(TEXT.source + TEXT.target, 150)


@pytest.fixture(scope="module")
def model(subwords):
    return GNMT(subwords.vocabulary_size, 16, 3, seed=1)


def test_weights_are_those_of_each_step(model, subwords):
    pairs = Pairs.encode(TEXT, subwords)
    found = alignment.align(model, subwords, pairs)
    assert len({one.weights.shape for one in found}) > 3  # Padding is left out.
    for one, source, target in zip(found, pairs.source, pairs.target, strict=True):
        _, expected = gnmt_twin.logits(model, [*source, END], [BEGIN, *target])
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


@pytest.mark.slow
def test_attention_learns_to_align():
    """Sequences are translated into their reverse, so the source position of each token is known."""
    rng = np.random.default_rng(0)
    sequences = [rng.integers(4, 14, rng.integers(3, 9), np.int32) for _ in range(2000)]
    pairs = Pairs(sequences, [sequence[::-1] for sequence in sequences])
    model = GNMT(14, 32, 2, dropout=0.0)
    model.compile(get("adam", learning_rate=0.02, global_clipnorm=5.0), SmoothedCrossEntropy(0.0), jit_compile=False)
    model.fit(TrainingBatches(pairs, 32).batches(0).take(300), verbose=0, shuffle=False, steps_per_epoch=300)

    class Digits:
        def pieces(self, ids):
            return [str(index) for index in ids]

    on_the_source = [
        np.mean([one.weights[time, len(one.source) - 2 - time] for time in range(len(one.source) - 1)])
        for one in alignment.align(model, Digits(), Pairs(*(side[:20] for side in pairs)))
    ]
    assert np.mean(on_the_source) > 0.4  # Without alignment, about 0.16.
