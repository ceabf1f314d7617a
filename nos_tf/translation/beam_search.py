"""Batched beam search as one graph.

Sources: Wu et al. (2016), section 7, for length normalization and coverage penalty. A finished hypothesis leaves the
beam, so that unfinished ones can never push it out. A sentence is done once it has as many finished hypotheses as the
beam is wide, and no unfinished one can get better than the best of them: beside a sure hypothesis, the beam fills with
hopeless ones that end at once. A beam of 1 is greedy search, which is done with its first hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from nos_tf.translation.subwords import BEGIN, END, PAD

_IMPOSSIBLE = -1e9
_LEAST_COVERAGE = 1e-9  # Keeps the logarithm finite where attention underflows.


class Decoder(Protocol):
    """What beam search needs of a model; see `nos_tf.models.gnmt.GNMT`."""

    def encode(self, source: tf.Tensor) -> Any: ...

    def initial_state(self, batch: tf.Tensor) -> Any: ...

    def step(self, tokens: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, tf.Tensor, Any]: ...


class Hypotheses(NamedTuple):
    """Finished translations of each sentence, best first.

    Attributes:
      tokens: Ids up to the end of sentence, then padding: `[batch, width, longest]`.
      scores: `[batch, width]`; very low where there are fewer hypotheses than the beam is wide.
    """

    tokens: tf.Tensor
    scores: tf.Tensor


class _Search(NamedTuple):
    """The search after `time` steps; the last token of each of `batch * width` beams goes into the next step."""

    time: tf.Tensor
    last: tf.Tensor
    state: Any
    tokens: tf.Tensor
    log_probabilities: tf.Tensor
    coverage: tf.Tensor
    finished: Hypotheses


def length_penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """What a log-probability is divided by: `((5 + length) / 6) ** alpha`; the end of sentence counts."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


def coverage_penalty(coverage: tf.Tensor, is_real: tf.Tensor, beta: float) -> tf.Tensor:
    """`beta` times the sum over real source positions of `log(min(coverage, 1))`, at most 0.

    Args:
      coverage: Attention that each position got over all steps, `[..., source]`.
      is_real: 1 for a real position and 0 for padding, `[..., source]`.
      beta: Weight.
    """
    return beta * tf.reduce_sum(tf.math.log(tf.clip_by_value(coverage, _LEAST_COVERAGE, 1.0)) * is_real, axis=-1)


def compile_search(
    model: Decoder, width: int = 4, alpha: float = 0.6, beta: float = 0.0
) -> Callable[[tf.Tensor, tf.Tensor], Hypotheses]:
    """Compiles the search; weights of the model may change between its calls.

    A hypothesis' score is `log P / length_penalty + coverage_penalty`.

    Args:
      model: What to translate with.
      width: Number of beams; 1 is greedy search.
      alpha: Strength of length normalization; 0 for none.
      beta: Strength of the coverage penalty; 0 for none.

    Returns:
      A function of source ids, `[batch, source]`, and of the greatest length of each translation with its end of
      sentence, `[batch]`, both int32. A hypothesis that gets so long ends there, whatever the model says.
    """

    def search(source: tf.Tensor, max_lengths: tf.Tensor) -> Hypotheses:
        batch = tf.shape(source)[0]
        longest = tf.reduce_max(max_lengths)
        memory = model.encode(source)
        is_real = tf.cast(tf.not_equal(source, PAD), tf.float32)[:, None]

        def is_done(now: _Search) -> tf.Tensor:
            best_left = tf.reduce_max(now.log_probabilities, axis=1)
            is_full = now.finished.scores[:, -1] > _IMPOSSIBLE
            if width > 1:  # Log-probabilities fall with every step, and a coverage penalty only lowers a score.
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
            # At most one candidate of each beam ends, so that twice the width holds enough that do not.
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
            # A sentence that is done waits for the others of its batch, which must not change its result.
            finishes = tf.logical_and(ends, best > _IMPOSSIBLE)[:, :width] & ~is_done(now)[:, None]
            finished = _best(
                tf.concat([now.finished.tokens, tokens[:, :width]], axis=1),
                tf.concat([now.finished.scores, tf.where(finishes, scores[:, :width], _IMPOSSIBLE)], axis=1),
                width,
            )

            # Candidates are sorted, so that the first that do not end are the best of these.
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
        first = tf.one_hot(tf.zeros([batch], tf.int32), width, 0.0, _IMPOSSIBLE)  # All beams start alike: one counts.
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
    """Rules out padding and begin of sentence, and all but the end where a hypothesis must end."""
    vocabulary = tf.range(log_probabilities.shape[-1])
    never = tf.logical_or(tf.equal(vocabulary, PAD), tf.equal(vocabulary, BEGIN))
    forbidden = tf.logical_or(never, tf.logical_and(must_end[:, None], tf.not_equal(vocabulary, END)))
    return tf.where(forbidden, 2 * _IMPOSSIBLE, log_probabilities)


def _best(tokens: tf.Tensor, scores: tf.Tensor, width: int) -> Hypotheses:
    scores, order = tf.math.top_k(scores, width)
    return Hypotheses(tf.gather(tokens, order, batch_dims=1), scores)
