"""Batches of sentence pairs with similar lengths, in streams that can start at any step."""

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
_LENGTH_STEP = 4  # Lengths are sorted in bins of this size, so that the order within a bin stays random.

Batch = tuple[dict[str, np.ndarray], np.ndarray]


class Pairs(NamedTuple):
    """Sentence pairs as token ids, without beginning-of-sentence and end-of-sentence ids."""

    source: list[np.ndarray]
    target: list[np.ndarray]

    @classmethod
    def encode(cls, text: ParallelText, subwords: Subwords) -> Pairs:
        """Converts parallel text to token ids."""
        return cls(subwords.encode(text.source), subwords.encode(text.target))

    def within(self, max_length: float) -> Pairs:
        """Returns the pairs in which both sides have between 1 and `max_length` subwords."""
        kept = [
            (source, target)
            for source, target in zip(self.source, self.target, strict=True)
            if 0 < len(source) <= max_length and 0 < len(target) <= max_length
        ]
        return Pairs([source for source, _ in kept], [target for _, target in kept])

    def batch(self, indices: Sequence[int] | np.ndarray) -> Batch:
        """Returns `({"source": ids + end, "target_in": begin + ids}, ids + end)` as arrays padded with 0."""
        ends = np.array([END], np.int32), np.array([BEGIN], np.int32)
        source = [np.append(self.source[index], ends[0]) for index in indices]
        target = [self.target[index] for index in indices]
        inputs = {"source": pad(source), "target_in": pad([np.append(ends[1], ids) for ids in target])}
        return inputs, pad([np.append(ids, ends[0]) for ids in target])

    def tokens(self) -> int:
        """Returns the number of tokens on both sides, including end-of-sentence tokens."""
        return sum(len(ids) + 1 for side in self for ids in side)

    def target_length(self) -> float:
        """Returns the mean number of tokens in a target sentence, including the end-of-sentence token."""
        return sum(len(ids) + 1 for ids in self.target) / len(self.target)

    def lengths(self) -> np.ndarray:
        """Returns the length of the longer side of each pair."""
        return np.array([max(map(len, pair)) for pair in zip(self.source, self.target, strict=True)], np.int64)


class TrainingBatches:
    """An endless stream of batches, in which each batch depends only on the arguments and the step.

    Every epoch shuffles the pairs, sorts them by length, splits them into batches, and shuffles the batches. It leaves
    out the pairs that do not fill a batch, which are different ones in each epoch.

    Args:
      pairs: Training pairs.
      batch_size: Pairs per batch, over all shards.
      seed: Seed of the orders.
      num_shards: Number of processes that share each batch.
      index: Index of this process. It gets every `num_shards`-th pair of a batch, so all shards process sentences of
        similar length at the same time.

    Raises:
      RunError: There are fewer pairs than a batch needs, or the batch size is not a multiple of `num_shards`.
    """

    def __init__(self, pairs: Pairs, batch_size: int, seed: int = 0, num_shards: int = 1, index: int = 0):
        if len(pairs.source) < batch_size:
            raise RunError(
                "There are fewer usable sentence pairs than a batch needs; choose a smaller batch size or allow longer "
                f"sentences. Received: {len(pairs.source)} pairs, a batch size of {batch_size}"
            )
        if batch_size % num_shards:
            raise RunError(
                "The batch size must be a multiple of the number of shards. "
                f"Received: a batch size of {batch_size}, {num_shards} shards"
            )
        self._pairs = pairs
        self._lengths = pairs.lengths() // _LENGTH_STEP
        self._batch_size, self._seed, self._num_shards, self._index = batch_size, seed, num_shards, index
        self.steps_per_epoch = len(pairs.source) // batch_size

    def batches(self, start_step: int = 0) -> tf.data.Dataset:
        """Returns the stream from the global step `start_step` on.

        Returns:
          Elements `({"source": [batch, s], "target_in": [batch, t]}, target_out [batch, t])` as int32, where `batch` is
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
        """Returns the indices of an epoch's pairs, `[steps_per_epoch, batch_size]`."""
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._lengths))[: self.steps_per_epoch * self._batch_size]
        order = order[np.argsort(self._lengths[order], kind="stable")]
        return rng.permutation(order.reshape(self.steps_per_epoch, self._batch_size))


def evaluation_batches(pairs: Pairs, batch_size: int, replicas: int = 1) -> tf.data.Dataset:
    """Batches all pairs once, sorted by length.

    Args:
      pairs: Evaluation pairs.
      batch_size: Maximum number of pairs per batch.
      replicas: Number of replicas that share each batch; if possible, each gets pairs from every batch.

    Returns:
      Elements like those of `TrainingBatches.batches`; the last batch may be smaller.
    """
    batch_size = shared_batch(len(pairs.source), batch_size, replicas)
    order = np.argsort(pairs.lengths(), kind="stable")
    starts = range(0, len(order), batch_size)
    batches = _dataset(lambda: (pairs.batch(order[start : start + batch_size]) for start in starts))
    return batches.apply(tf.data.experimental.assert_cardinality(len(starts)))


def _dataset(batches: Callable[[], Iterator[Batch]]) -> tf.data.Dataset:
    options = tf.data.Options()
    # A strategy must split the batches among hosts, because there are no files to split.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    made = tf.data.Dataset.from_generator(batches, output_signature=_SIGNATURE)
    return made.prefetch(tf.data.AUTOTUNE).with_options(options)


def pad(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Pads sequences of ids with 0 to one array, `[len(sequences), longest]`."""
    padded = np.full((len(sequences), max(map(len, sequences), default=0)), PAD, np.int32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
