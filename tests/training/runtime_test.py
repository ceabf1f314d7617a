import pytest
import tensorflow as tf

from nos_tf.common.errors import RunError
from nos_tf.optimizers.keras_compat import IS_KERAS_3
from nos_tf.training.runtime import Runtime, check_batch


def test_batch_must_be_shared_evenly():
    strategy = Runtime(strategy="mirrored").distribute_strategy
    assert strategy.num_replicas_in_sync == 2
    check_batch(6, strategy)
    with pytest.raises(RunError, match=r"divisible by the 2 replicas; .*Received: batch_size=7"):
        check_batch(7, strategy)


def test_precision_is_set_for_layers_built_within():
    with Runtime(mixed_precision=True).precision():
        layer = tf.keras.layers.Dense(1)
    assert layer.compute_dtype == "bfloat16"
    assert tf.keras.layers.Dense(1).compute_dtype == "float32"


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 trains on several machines")
def test_several_machines_are_refused_with_keras_3():
    with pytest.raises(RunError, match=r"\[addons\].*Received: strategy=multi_worker"):
        _ = Runtime(strategy="multi_worker").distribute_strategy
