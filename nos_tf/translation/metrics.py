"""Metrics of translation: BLEU, computed by sacrebleu, and perplexity per token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import sacrebleu
import tensorflow as tf

from nos_tf.translation.loss import token_losses


class Bleu(NamedTuple):
    """Corpus BLEU, from 0 to 100, and sacrebleu's signature, which states how it was computed."""

    score: float
    signature: str


def bleu(translations: Sequence[str], references: Sequence[str]) -> Bleu:
    """Computes the BLEU of detokenized translations, each with one detokenized reference.

    Raises:
      ValueError: The numbers of translations and references differ.
    """
    if len(translations) != len(references):
        raise ValueError(
            "BLEU needs one reference for each translation. "
            f"Received: {len(translations)} translations, {len(references)} references"
        )
    metric = sacrebleu.metrics.BLEU()
    score = metric.corpus_score(list(translations), [list(references)]).score
    return Bleu(min(score, 100.0), str(metric.get_signature()))  # sacrebleu's rounding goes up to 100.00000000000004.


def signature() -> str:
    """Returns sacrebleu's signature, which is the same for all scores of `bleu`."""
    return bleu([""], [""]).signature


class Perplexity(tf.keras.metrics.Metric):
    """Exponential of the mean negative log-likelihood of all target tokens, including ends of sentences.

    Padding is ignored. All tokens have the same weight, no matter how they are split among batches and replicas.
    """

    def __init__(self, name: str = "perplexity", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", shape=(), initializer="zeros")
        self.tokens = self.add_weight(name="tokens", shape=(), initializer="zeros")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: target ids, `[batch, target]`, padded with 0, and logits, `[batch, target, vocabulary]`."""
        del sample_weight  # Keras always passes this argument.
        losses, is_real, _ = token_losses(y_true, y_pred)
        self.total.assign_add(tf.reduce_sum(losses * is_real))
        self.tokens.assign_add(tf.reduce_sum(is_real))

    def result(self) -> tf.Tensor:
        return tf.exp(tf.math.divide_no_nan(tf.convert_to_tensor(self.total), tf.convert_to_tensor(self.tokens)))


def unigram_perplexity(targets: Sequence[np.ndarray], vocabulary_size: int) -> float:
    """Computes the perplexity per token of the best model without context, from the entropy of the token frequencies.

    Args:
      targets: Token ids of each target sentence, without its end of sentence, which is counted as well.
      vocabulary_size: Number of ids.
    """
    counts = np.bincount(np.concatenate(targets), minlength=vocabulary_size)
    shares = np.append(counts[counts > 0], len(targets)) / (counts.sum() + len(targets))
    return float(np.exp(-np.sum(shares * np.log(shares))))
