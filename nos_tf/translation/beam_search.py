"""Batched beam search in a single graph.

Source: Wu et al. (2016), section 7, for length normalization and the coverage penalty. Finished hypotheses leave the
beam, so unfinished ones can never displace them. The search of a sentence ends once there are as many finished
hypotheses as the beam is wide and no unfinished hypothesis can beat the best of them. The number alone would not be
enough: while a model is confident of one long hypothesis, poor ones that end at once fill the beam. A beam of width 1
is greedy search, which ends with its first finished hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from nos_tf.translation.subwords import BEGIN, END, PAD

_IMPOSSIBLE = -1e9
_LEAST_COVERAGE = 1e-9  # Keeps the logarithm finite if the attention underflows.


class Decoder(Protocol):
    """Interface of a model for beam search; see `nos_tf.models.gnmt.GNMT`."""

    def encode(self, source: tf.Tensor) -> Any: ...

    def initial_state(self, batch: tf.Tensor) -> Any: ...

    def step(self, tokens: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, tf.Tensor, Any]: ...


class Hypotheses(NamedTuple):
    """Finished translations of each sentence, from best to worst.

    Attributes:
      tokens: Token ids, each translation with its end of sentence and then padding, `[batch, width, longest]`.
      scores: Scores, `[batch, width]`; very low for entries without a hypothesis.
    """

    tokens: tf.Tensor
    scores: tf.Tensor


class _Search(NamedTuple):
    """State of the search after `time` steps; `last` holds the last token of each of the `batch * width` beams."""

    time: tf.Tensor
    last: tf.Tensor
    state: Any
    tokens: tf.Tensor
    log_probabilities: tf.Tensor
    coverage: tf.Tensor
    finished: Hypotheses


def length_penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """Returns the divisor of a log-probability, `((5 + length) / 6) ** alpha`, with the end of sentence counted."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


def coverage_penalty(coverage: tf.Tensor, is_real: tf.Tensor, beta: float) -> tf.Tensor:
    """Returns `beta` times the sum of `log(min(coverage, 1))` over all source tokens, which is at most 0.

    Args:
      coverage: Sum of the attention weights of each source position over all steps, `[..., source]`.
      is_real: 1 for tokens and 0 for padding, `[..., source]`.
      beta: Strength of the penalty.
    """
    return beta * tf.reduce_sum(tf.math.log(tf.clip_by_value(coverage, _LEAST_COVERAGE, 1.0)) * is_real, axis=-1)


def compile_search(
    model: Decoder, width: int = 4, alpha: float = 0.6, beta: float = 0.0
) -> Callable[[tf.Tensor, tf.Tensor], Hypotheses]:
    """Compiles beam search for a model, whose weights may change between calls.

    The score of a hypothesis is `log P / length_penalty + coverage_penalty`.

    Args:
      model: The model to translate with.
      width: Beam width; 1 for greedy search.
      alpha: Strength of the length normalization; 0 for none.
      beta: Strength of the coverage penalty; 0 for none.

    Returns:
      A function of the source ids, `[batch, source]`, and the maximum length of each translation including its end of
      sentence, `[batch]`, both int32. Hypotheses that reach the maximum length are forced to end.
    """

    def search(source: tf.Tensor, max_lengths: tf.Tensor) -> Hypotheses:
        batch = tf.shape(source)[0]
        longest = tf.reduce_max(max_lengths)
        memory = model.encode(source)
        is_real = tf.cast(tf.not_equal(source, PAD), tf.float32)[:, None]

        def is_done(now: _Search) -> tf.Tensor:
            best_left = tf.reduce_max(now.log_probabilities, axis=1)
            is_full = now.finished.scores[:, -1] > _IMPOSSIBLE
            if width > 1:  # Log-probabilities only decrease, and the coverage penalty only lowers scores.
                hopeless = best_left / length_penalty(max_lengths, alpha) <= now.finished.scores[:, 0]
                is_full = tf.logical_and(is_full, hopeless)
            return tf.logical_or(is_full, best_left <= _IMPOSSIBLE)

        def is_running(now: _Search) -> tf.Tensor:
            return tf.logical_and(now.time < longest, ~tf.reduce_all(is_done(now)))  # NaN is never done.

        def advance(now: _Search) -> tuple[_Search]:
            logits, attention, state = model.step(now.last, now.state, memory)
            log_probabilities = _allowed(tf.nn.log_softmax(logits), now.time + 1 >= tf.repeat(max_lengths, width))
            vocabulary = logits.shape[-1]
            totals = now.log_probabilities[:, :, None] + tf.reshape(log_probabilities, [batch, width, vocabulary])
            # At most one candidate of each beam ends, so at least `width` of these do not.
            best, flat = tf.math.top_k(tf.reshape(totals, [batch, width * vocabulary]), 2 * width)
            best = tf.maximum(best, _IMPOSSIBLE)
            parents, chosen = flat // vocabulary, flat % vocabulary
            tokens = tf.where(
                tf.range(longest) == now.time, chosen[:, :, None], tf.gather(now.tokens, parents, batch_dims=1)
            )
            coverage = now.coverage + tf.reshape(tf.cast(attention, tf.float32), tf.shape(now.coverage))
            covered = tf.gather(coverage, parents, batch_dims=1)

            scores = best / length_penalty(now.time + 1, alpha)
            if beta:
                scores += coverage_penalty(covered, is_real, beta)
            ends = tf.equal(chosen, END)
            # A finished sentence waits for the others in its batch, and its result must not change.
            finishes = tf.logical_and(ends, best > _IMPOSSIBLE)[:, :width] & ~is_done(now)[:, None]
            finished = _best(
                tf.concat([now.finished.tokens, tokens[:, :width]], axis=1),
                tf.concat([now.finished.scores, tf.where(finishes, scores[:, :width], _IMPOSSIBLE)], axis=1),
                width,
            )

            # The candidates are sorted by score, so the first unfinished ones are the best unfinished ones.
            kept = tf.argsort(tf.cast(ends, tf.int32), axis=1, stable=True)[:, :width]
            last = tf.gather(chosen, kept, batch_dims=1)
            origin = tf.gather(parents, kept, batch_dims=1) + width * tf.range(batch)[:, None]
            return (
                _Search(
                    now.time + 1,
                    tf.reshape(last, [-1]),
                    tf.nest.map_structure(lambda x: tf.gather(x, tf.reshape(origin, [-1])), state),
                    tf.gather(tokens, kept, batch_dims=1),
                    tf.where(tf.equal(last, END), _IMPOSSIBLE, tf.gather(best, kept, batch_dims=1)),
                    tf.gather(covered, kept, batch_dims=1),
                    finished,
                ),
            )

        empty = tf.zeros([batch, width, longest], tf.int32)
        first = tf.one_hot(tf.zeros([batch], tf.int32), width, 0.0, _IMPOSSIBLE)  # All beams are equal; use only one.
        start = _Search(
            tf.constant(0),
            tf.fill([batch * width], BEGIN),
            model.initial_state(batch * width),
            empty,
            first,
            tf.zeros([batch, width, tf.shape(source)[1]]),
            Hypotheses(empty, tf.fill([batch, width], _IMPOSSIBLE)),
        )
        (end,) = tf.while_loop(is_running, advance, (start,))
        return end.finished

    ids = tf.TensorSpec([None, None], tf.int32)
    return tf.function(search, input_signature=[ids, tf.TensorSpec([None], tf.int32)])


def _allowed(log_probabilities: tf.Tensor, must_end: tf.Tensor) -> tf.Tensor:
    """Rules out padding and beginning of sentence, and everything but the end if a hypothesis must end."""
    vocabulary = tf.range(log_probabilities.shape[-1])
    never = tf.logical_or(tf.equal(vocabulary, PAD), tf.equal(vocabulary, BEGIN))
    forbidden = tf.logical_or(never, tf.logical_and(must_end[:, None], tf.not_equal(vocabulary, END)))
    return tf.where(forbidden, 2 * _IMPOSSIBLE, log_probabilities)


def _best(tokens: tf.Tensor, scores: tf.Tensor, width: int) -> Hypotheses:
    scores, order = tf.math.top_k(scores, width)
    return Hypotheses(tf.gather(tokens, order, batch_dims=1), scores)
