import itertools

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.datasets.stream import array_batches, index_batches, shared_batch


def take(stream, count):
    return [(int(step), indices.tolist()) for step, indices in itertools.islice(stream.as_numpy_iterator(), count)]


def seen(batches):
    return [index for _, indices in batches for index in indices]


def test_every_epoch_has_every_example_once_in_a_new_order():
    batches = take(index_batches(12, 4, seed=1), 6)
    assert [step for step, _ in batches] == list(range(6))
    epochs = [seen(batches[:3]), seen(batches[3:])]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_examples_left_out_differ_between_epochs():
    batches = take(index_batches(10, 4, seed=0), 40)
    counts = np.bincount(seen(batches), minlength=10)
    assert counts.sum() == 160
    assert counts.min() > 8  # If the same two were always left out, they would never be seen.


@pytest.mark.parametrize("first_step", [0, 1, 3, 7, 100])
def test_starts_at_any_step(first_step):
    whole = take(index_batches(13, 4, seed=5), first_step + 5)
    assert take(index_batches(13, 4, seed=5, first_step=first_step), 5) == whole[first_step:]


def test_seeds_differ():
    assert take(index_batches(50, 10, seed=0), 5) != take(index_batches(50, 10, seed=1), 5)


def test_transform_gets_matching_rows_and_the_seed_of_the_step():
    arrays = {"x": np.arange(12, dtype=np.float32), "y": np.arange(12)}

    def transform(batch, seed):
        return batch["x"], batch["y"], tf.random.stateless_uniform([], seed)

    def run(first_step):
        return list(itertools.islice(array_batches(arrays, 3, 7, first_step, transform).as_numpy_iterator(), 6))

    whole, late = run(0), run(2)
    assert all(np.array_equal(x, y) for x, y, _ in whole)
    assert len({float(draw) for *_, draw in whole}) == 6
    for one, other in zip(whole[2:], late[:4], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("replicas", [1, 2, 3, 8])
def test_every_replica_gets_a_part_of_every_batch(replicas):
    def works(examples, size):
        rest = range(examples % size)
        parts = [rest[size // replicas * n : size // replicas * (n + 1)] for n in range(replicas)]
        return not rest or all(parts)

    for examples in range(1, 60):
        for batch_size in range(replicas, 40, replicas):
            working = [size for size in range(replicas, batch_size + 1, replicas) if works(examples, size)]
            assert shared_batch(examples, batch_size, replicas) == max(working, default=batch_size)
    assert works(50_000, shared_batch(50_000, 1600, replicas))
