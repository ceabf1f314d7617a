import itertools

import numpy as np
import pytest

from nos_tf.common.errors import RunError
from nos_tf.translation.batches import Pairs, TrainingBatches, evaluation_batches
from nos_tf.translation.subwords import BEGIN, END, Subwords
from tests.translation.sentences import TEXT


def pairs(number, seed=0):
    """Creates pairs with distinct first target ids."""
    rng = np.random.default_rng(seed)
    source = [rng.integers(4, 90, rng.integers(1, 40)).astype(np.int32) for _ in range(number)]
    target = [
        np.append(np.int32(100 + index), rng.integers(4, 90, rng.integers(0, 40)).astype(np.int32))
        for index in range(number)
    ]
    return Pairs(source, target)


def take(stream, number, start_step=0):
    return list(itertools.islice(stream.batches(start_step).as_numpy_iterator(), number))


def members(batches):
    return [int(row[0]) - 100 for _, target_out in batches for row in target_out]


def assert_equal(some, others):
    for (inputs, target), (other_inputs, other_target) in zip(some, others, strict=True):
        np.testing.assert_array_equal(inputs["source"], other_inputs["source"])
        np.testing.assert_array_equal(inputs["target_in"], other_inputs["target_in"])
        np.testing.assert_array_equal(target, other_target)


def test_a_batch_contains_its_pairs():
    subwords = Subwords.train(TEXT.source + TEXT.target, 120)
    encoded = Pairs.encode(TEXT, subwords)
    ((inputs, target_out),) = take(TrainingBatches(encoded, len(TEXT.source)), 1)
    assert {array.dtype for array in (*inputs.values(), target_out)} == {np.dtype("int32")}
    translations = dict(zip(TEXT.source, TEXT.target, strict=True))
    for source, target_in, target in zip(inputs["source"], inputs["target_in"], target_out, strict=True):
        source, target_in, target = (ids[ids != 0] for ids in (source, target_in, target))
        assert translations.pop(subwords.decode(source)) == subwords.decode(target)
        assert (source[-1], target_in[0], target[-1]) == (END, BEGIN, END)
        np.testing.assert_array_equal(target_in[1:], target[:-1])
    assert not translations


def test_an_epoch_has_no_pair_twice_and_epochs_differ_in_order():
    stream = TrainingBatches(pairs(53), batch_size=8, seed=1)
    assert stream.steps_per_epoch == 6
    epochs = [members(take(stream, 6, 6 * epoch)) for epoch in range(3)]
    assert all(len(set(epoch)) == 48 for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert {*epochs[0], *epochs[1], *epochs[2]} == set(range(53))
    assert members(take(TrainingBatches(pairs(53), 8, seed=2), 6)) != epochs[0]


@pytest.mark.parametrize("start", [0, 1, 5, 6, 7, 20])
def test_starts_at_any_step(start):
    whole = take(TrainingBatches(pairs(53), 8, seed=1), 25)
    assert_equal(take(TrainingBatches(pairs(53), 8, seed=1), 25 - start, start), whole[start:])


def test_shards_share_each_batch():
    whole = take(TrainingBatches(pairs(50), 6), 20)
    shards = [take(TrainingBatches(pairs(50), 6, num_shards=3, index=index), 20) for index in range(3)]
    for step in range(20):
        parts = [members([shard[step]]) for shard in shards]
        assert [len(part) for part in parts] == [2, 2, 2]
        assert sorted(itertools.chain(*parts)) == sorted(members([whole[step]]))


def test_batches_have_similar_lengths():
    some = pairs(2000)
    batches = take(TrainingBatches(some, 20), 100)
    padded = np.mean([target.size for _, target in batches])
    unsorted = 20 * np.mean([max(map(len, some.target[n : n + 20])) + 1 for n in range(0, 2000, 20)])
    assert padded < 0.8 * unsorted
    sizes = [target.shape[1] for _, target in batches]
    assert sizes != sorted(sizes)


def test_only_pairs_within_the_maximum_length_are_kept():
    some = Pairs(
        [np.arange(4, 4 + n, dtype=np.int32) for n in (3, 4, 3, 0, 2)],
        [np.arange(4, 4 + n, dtype=np.int32) for n in (3, 1, 4, 2, 0)],
    )
    kept = some.within(3)
    assert [(len(source), len(target)) for source, target in zip(*kept, strict=True)] == [(3, 3)]


def test_evaluation_sees_every_pair_once():
    batches = list(evaluation_batches(pairs(53), 8).as_numpy_iterator())
    assert [len(target) for _, target in batches] == [8] * 6 + [5]
    assert sorted(members(batches)) == list(range(53))


def test_unusable_sizes_are_refused():
    with pytest.raises(RunError, match=r"choose a smaller batch size.* Received: 5 pairs, a batch size of 6"):
        TrainingBatches(pairs(5), 6)
    with pytest.raises(RunError, match=r"multiple of the number of shards\. Received: a batch size of 4, 3 shards"):
        TrainingBatches(pairs(5), 4, num_shards=3)
