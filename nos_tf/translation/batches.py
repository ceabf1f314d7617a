"""Batches of sentence pairs of similar lengths, as streams that can start anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nos_tf.common.errors import RunError
from nos_tf.datasets.parallel_text import ParallelText
from nos_tf.datasets.stream import shared_batch
from nos_tf.translation.subwords import BEGIN, END, PAD, Subwords

_IDS = tf.TensorSpec([None, None], tf.int32)
_SIGNATURE = ({"source": _IDS, "target_in": _IDS}, _IDS)
_LENGTH_STEP = 4  # Pairs whose lengths differ by less count as equally long.

Batch = tuple[dict[str, np.ndarray], np.ndarray]


class Pairs(NamedTuple):
    """Sentence pairs as ids, without begin and end of sentence."""

    source: list[np.ndarray]
    target: list[np.ndarray]

    @classmethod
    def encode(cls, text: ParallelText, subwords: Subwords) -> Pairs:
        """Ids of parallel text."""
        return cls(subwords.encode(text.source), subwords.encode(text.target))

    def within(self, max_length: float) -> Pairs:
        """The pairs of which neither side is empty or longer than `max_length` sub-words."""
        kept = [
            (source, target)
            for source, target in zip(self.source, self.target, strict=True)
            if 0 < len(source) <= max_length and 0 < len(target) <= max_length
        ]
        return Pairs([source for source, _ in kept], [target for _, target in kept])

    def batch(self, indices: Sequence[int] | np.ndarray) -> Batch:
        """`({"source": ids + end, "target_in": begin + ids}, ids + end)`, each padded with 0 to its longest."""
        ends = np.array([END], np.int32), np.array([BEGIN], np.int32)
        source = [np.append(self.source[index], ends[0]) for index in indices]
        target = [self.target[index] for index in indices]
        inputs = {"source": pad(source), "target_in": pad([np.append(ends[1], ids) for ids in target])}
        return inputs, pad([np.append(ids, ends[0]) for ids in target])

    def tokens(self) -> int:
        """Sub-words of both sides, the ends of sentences included."""
        return sum(len(ids) + 1 for side in self for ids in side)

    def target_length(self) -> float:
        """Mean number of sub-words of a target, the end of the sentence included."""
        return sum(len(ids) + 1 for ids in self.target) / len(self.target)

    def lengths(self) -> np.ndarray:
        """Length of the longer side of each pair."""
        return np.array([max(map(len, pair)) for pair in zip(self.source, self.target, strict=True)], np.int64)


class TrainingBatches:
    """An endless stream of batches, epoch after epoch, which is a pure function of its arguments and of the step.

    An epoch is a new random order of the pairs, sorted by length, cut into batches, and these in random order. As many
    pairs as make whole batches take part; each epoch leaves out others.

    Args:
      pairs: What to train on.
      batch_size: Pairs in a batch, over all shards.
      seed: Of all orders.
      num_shards: Number of processes that share each batch.
      index: Which of them this is: it gets every `num_shards`-th pair of a batch, so that all shards work on
        sentences of similar length at the same time.

    Raises:
      RunError: There are fewer pairs than a batch needs, or shards do not divide a batch.
    """

    def __init__(self, pairs: Pairs, batch_size: int, seed: int = 0, num_shards: int = 1, index: int = 0):
        if len(pairs.source) < batch_size:
            raise RunError(
                "There are fewer usable sentence pairs than a batch needs; choose a smaller batch or allow longer "
                f"sentences. Received: {len(pairs.source)} pairs, a batch of {batch_size}"
            )
        if batch_size % num_shards:
            raise RunError(
                "The batch must be a multiple of the number of shards. "
                f"Received: a batch of {batch_size}, {num_shards} shards"
            )
        self._pairs = pairs
        self._lengths = pairs.lengths() // _LENGTH_STEP
        self._batch_size, self._seed, self._num_shards, self._index = batch_size, seed, num_shards, index
        self.steps_per_epoch = len(pairs.source) // batch_size

    def batches(self, start_step: int = 0) -> tf.data.Dataset:
        """The stream from the global step `start_step` on.

        Returns:
          `({"source": [batch, s], "target_in": [batch, t]}, target_out [batch, t])` as int32, where batch is
          `batch_size / num_shards`.
        """
        return _dataset(lambda: self._iterate(start_step))

    def _iterate(self, step: int) -> Iterator[Batch]:
        epoch, position = divmod(step, self.steps_per_epoch)
        while True:
            for indices in self._epoch(epoch)[position:]:
                yield self._pairs.batch(indices[self._index :: self._num_shards])
            epoch, position = epoch + 1, 0

    def _epoch(self, epoch: int) -> np.ndarray:
        """Indices of an epoch's pairs, `[steps_per_epoch, batch_size]`."""
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._lengths))[: self.steps_per_epoch * self._batch_size]
        order = order[np.argsort(self._lengths[order], kind="stable")]
        return rng.permutation(order.reshape(self.steps_per_epoch, self._batch_size))


def evaluation_batches(pairs: Pairs, batch_size: int, replicas: int = 1) -> tf.data.Dataset:
    """Every pair once, sorted by length; elements are those of `TrainingBatches`, the last one may be smaller.

    Args:
      pairs: What to measure on.
      batch_size: Most pairs of a batch.
      replicas: How many share each batch; each gets pairs of every one where that can be.
    """
    batch_size = shared_batch(len(pairs.source), batch_size, replicas)
    order = np.argsort(pairs.lengths(), kind="stable")
    starts = range(0, len(order), batch_size)
    batches = _dataset(lambda: (pairs.batch(order[start : start + batch_size]) for start in starts))
    return batches.apply(tf.data.experimental.assert_cardinality(len(starts)))


def _dataset(batches: Callable[[], Iterator[Batch]]) -> tf.data.Dataset:
    options = tf.data.Options()
    # There are no files that a strategy could share among hosts.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    made = tf.data.Dataset.from_generator(batches, output_signature=_SIGNATURE)
    return made.prefetch(tf.data.AUTOTUNE).with_options(options)


def pad(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Sequences of ids as one array, `[len(sequences), longest]`, padded with 0."""
    padded = np.full((len(sequences), max(map(len, sequences), default=0)), PAD, np.int32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
