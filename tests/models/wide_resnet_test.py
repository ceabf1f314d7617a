import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models import convnet, wide_resnet


# Millions of parameters from Zagoruyko and Komodakis (2016), tables 3 and 4. WRN-10-1 is counted by hand below.
@pytest.mark.parametrize(
    ("depth", "width", "millions", "digits"),
    [(28, 10, 36.5, 1), (16, 4, 2.7, 1), (40, 4, 8.9, 1), (16, 8, 11.0, 1), (22, 8, 17.2, 1), (40, 1, 0.6, 1)],
)
def test_number_of_parameters_is_that_of_the_wide_resnet_paper(depth, width, millions, digits):
    model = wide_resnet.build((32, 32, 3), 10, depth, width)
    count = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert round(count / 1e6, digits) == millions
    convolutions = [layer for layer in model.layers if isinstance(layer, tf.keras.layers.Conv2D)]
    # Without shortcuts and the head.
    assert sum(layer.kernel_size == (3, 3) for layer in convolutions) == depth - 3


def test_number_of_parameters_of_wrn_10_1_by_hand():
    def block(inputs, outputs):
        shortcut = inputs * outputs if inputs != outputs else 0
        return 2 * inputs + 9 * inputs * outputs + 2 * outputs + 9 * outputs * outputs + shortcut

    wanted = 3 * 9 * 16 + block(16, 16) + block(16, 32) + block(32, 64) + 2 * 64 + 64 * 10 + 10
    model = wide_resnet.build((32, 32, 3), 10, 10, 1)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == wanted


def test_feature_maps_shrink_twice_and_gain_channels():
    model = wide_resnet.build((32, 32, 3), 7, 16, 4)
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers if isinstance(layer, tf.keras.layers.Add)]
    assert shapes == [(32, 32, 64)] * 2 + [(16, 16, 128)] * 2 + [(8, 8, 256)] * 2
    assert model.output_shape == (None, 7)


def test_weight_decay_times_the_weight_is_added_to_the_gradient():
    plain, decayed = (wide_resnet.build((8, 8, 3), 3, 10, 1, weight_decay=decay) for decay in (0.0, 0.1))
    decayed.set_weights(plain.get_weights())
    images = tf.constant(np.random.default_rng(0).normal(size=(4, 8, 8, 3)), tf.float32)
    gradients = []
    for model in (plain, decayed):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(images, training=True) ** 2)
            if model.losses:
                loss += tf.add_n(model.losses)
        gradients.append(tape.gradient(loss, model.trainable_weights))
    for weight, bare, full in zip(plain.trainable_weights, *gradients, strict=True):
        np.testing.assert_allclose(full, bare + 0.1 * weight.numpy(), rtol=1e-4, atol=1e-4)


def test_dropout_is_between_the_convolutions_of_a_block():
    model = wide_resnet.build((32, 32, 3), 10, 16, 1, dropout=0.3, seed=1)
    dropouts = [layer for layer in model.layers if isinstance(layer, tf.keras.layers.Dropout)]
    assert len(dropouts) == 6
    assert all(layer.rate == 0.3 for layer in dropouts)


def test_impossible_depth_is_refused():
    with pytest.raises(ValueError, match=r"6n \+ 4.*Received: depth=20"):
        wide_resnet.build((32, 32, 3), 10, 20, 1)


@pytest.mark.parametrize("build", [wide_resnet.build, convnet.build])
def test_replicas_share_the_statistics_of_batch_normalization(build):
    sizes = {"depth": 10, "width": 1} if build is wide_resnet.build else {"filters": 2}

    def synchronized():
        layers = build((8, 8, 3), 10, **sizes).layers
        return {layer.synchronized for layer in layers if isinstance(layer, tf.keras.layers.BatchNormalization)}

    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    assert synchronized() == {False}
    with tf.distribute.MirroredStrategy(devices).scope():
        assert synchronized() == {len(devices) > 1}
