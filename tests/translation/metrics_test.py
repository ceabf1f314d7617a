import numpy as np
import pytest
import tensorflow as tf

from nos_tf.translation.metrics import Perplexity, bleu, unigram_perplexity


def test_bleu_of_a_perfect_translation_is_100_and_has_a_signature():
    lines = ["The house is small.", "We drink cold water in summer."]
    score = bleu(lines, lines)
    assert score.score == 100  # Not 100.00000000000004, which no ledger accepts.
    assert score.signature.startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_bleu_by_hand():
    # Matches: 4 of 5 unigrams, 3 of 4 bigrams, 2 of 3 trigrams, 1 of 2 4-grams; the reference has 6 tokens.
    score = bleu(["a b c d x"], ["a b c d e f"])
    expected = 100 * np.exp(1 - 6 / 5) * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert score.score == pytest.approx(expected)


def test_bleu_needs_a_reference_for_each_translation():
    with pytest.raises(ValueError, match="Received: 2 translations, 1 references"):
        bleu(["a", "b"], ["a"])


def test_perplexity_weights_all_tokens_equally():
    rng = np.random.default_rng(0)
    batches = [(np.array([[1, 2, 0]]), rng.standard_normal((1, 3, 5))), (np.array([[3, 1]]), np.zeros((1, 2, 5)))]
    metric, probabilities = Perplexity(), []
    for target, logits in batches:
        metric.update_state(tf.constant(target, tf.int32), tf.constant(logits, tf.float32))
        softmax = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        probabilities += [softmax[0, time, token] for time, token in enumerate(target[0]) if token]
    assert len(probabilities) == 4
    np.testing.assert_allclose(metric.result(), np.prod(probabilities) ** (-1 / 4), rtol=1e-5)
    metric.reset_state()
    metric.update_state(tf.constant([[4]]), tf.zeros([1, 1, 5]))
    np.testing.assert_allclose(metric.result(), 5, rtol=1e-5)


def test_unigram_perplexity():
    # Six tokens, including an end for each sentence: frequencies 1/2, 1/3 and 1/6.
    targets = [np.array([4, 4]), np.array([], np.int32), np.array([7])]
    expected = 2 ** (3 / 6) * 3 ** (2 / 6) * 6 ** (1 / 6)
    assert unigram_perplexity(targets, 10) == pytest.approx(expected)
    assert unigram_perplexity([np.arange(4, 10)], 10) == pytest.approx(7)
