"""Two replicas that share a batch train like a single one."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tests.conformance.subjects import over_groups
from tests.conformance.training import Training, assert_equal, assert_same_step, gradients


@over_groups
def test_mirrored_replicas_equal_one(names: Sequence[str]) -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        mirrored = Training(names)

    @tf.function
    def step(shares: Sequence[Sequence[tf.Tensor]]) -> None:
        def replica() -> None:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            mirrored.step([tf.where(number == 0, *parts) for parts in zip(*shares, strict=True)])

        strategy.run(replica)

    for count in range(3):
        shares = [[0.25 * g for g in gradients(count)], [0.75 * g for g in gradients(count)]]
        before = mirrored.states()
        step(shares)
        whole = [a + b for a, b in zip(*shares, strict=True)]
        assert_same_step(names, before, whole, mirrored.states())
        copies = [
            [[strategy.experimental_local_results(w)[replica] for w in weights] for weights in mirrored.weights]
            for replica in range(2)
        ]
        assert_equal(names, *copies)
