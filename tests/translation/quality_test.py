import functools

import pytest

from nos_tf.datasets.parallel_text import ParallelText
from nos_tf.models.gnmt import GNMT
from nos_tf.translation.quality import Quality
from nos_tf.translation.subwords import Subwords
from nos_tf.translation.translate import Translator
from tests.translation.sentences import TEXT


class Parrot:
    """A translator that returns its input."""

    def __init__(self, model, subwords):
        self.model = model

    def translate(self, lines):
        return list(lines)


@pytest.fixture(scope="module")
def subwords():
    return Subwords.train(TEXT.source + TEXT.target, 150)


def test_bleu_of_each_text(subwords):
    texts = {"val": ParallelText(TEXT.source, TEXT.source), "test": ParallelText(["a b c d"], ["w x y z"])}
    measured = Quality(texts, subwords, Parrot).measure(None)
    assert measured["val"]["bleu"] == pytest.approx(100)
    assert measured["test"]["bleu"] < 1


def test_perplexity_ignores_pairs_with_an_empty_side(subwords):
    text = ParallelText(["", "The tree " * 300, "a", "b"], ["x", "Der Baum", "", "c"])
    (pairs,) = Quality({"val": text}, subwords, Parrot).pairs.values()
    assert [subwords.decode(ids) for ids in pairs.target] == ["Der Baum", "c"]


def test_samples_are_a_table_with_the_first_lines(subwords):
    text = ParallelText(["a | b", *TEXT.source], ["x", *TEXT.target])
    lines = Quality({"val": text, "test": TEXT}, subwords, Parrot).samples(None).splitlines()
    assert lines[:3] == ["| source | translation | reference |", "| --- | --- | --- |", r"| a \| b | a \| b | x |"]
    assert len(lines) == 2 + 5


def test_graph_is_traced_once_per_model_and_uses_its_current_weights(subwords):
    models = [GNMT(subwords.vocabulary_size, 16, 2, init_scale=0.8, seed=seed) for seed in (0, 1)]
    made = []

    def make(model, subwords):
        made.append(model)
        return Translator(model, subwords, width=1)

    quality = Quality({"val": TEXT}, subwords, make)
    first, second = (quality.samples(model) for model in models)
    assert first != second
    models[1].set_weights(models[0].get_weights())
    assert quality.samples(models[1]) == first
    assert made == models
    assert quality.samples(models[1]) == Quality(
        {"val": TEXT}, subwords, functools.partial(Translator, width=1)
    ).samples(models[0])
