import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models import mobile


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # From Keras' documentation; the papers state 3.4 million and 2.5 million.
        ("mobilenet_v2", 3_538_984),
        ("mobilenet_v3_small", 2_554_968),
        pytest.param("nasnet_mobile", 5_326_716, marks=pytest.mark.slow),  # 5.3 million in the paper.
    ],
)
def test_numbers_of_parameters_are_the_published_ones(name, parameters):
    model = mobile.build(name, 224, 1000, dropout=0.2)
    assert model.count_params() == parameters
    assert model.output.shape == (None, 1, 1000)


@pytest.mark.slow
def test_auxiliary_head_of_nasnet():
    plain, model = (mobile.build("nasnet_mobile", 96, 10, auxiliary_head=head, weight_decay=0.1) for head in (0, 1))
    assert model.output.shape == (None, 2, 10)
    # The middle cells have 6 * 88 filters and 6x6 positions, of which 5x5 pooling leaves one.
    channels = model.get_layer("normal_concat_8").output.shape[-1]
    assert channels == 528
    head = channels * 128 + 4 * 128 + 128 * 768 + 4 * 768 + 768 * 10 + 10
    assert model.count_params() - plain.count_params() == head
    assert len(model.losses) - len(plain.losses) == 3
    images = np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    both = model(images).numpy()
    assert np.isfinite(both).all()
    assert np.abs(both[:, 0] - both[:, 1]).max() > 1e-3


def small(**changes):
    return mobile.build("mobilenet_v3_small", 32, 10, **changes)


def test_weight_decay_adds_a_fraction_of_every_kernel_to_its_gradient():
    model = small(weight_decay=0.25)
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    with tf.GradientTape() as tape:
        penalty = tf.add_n(model.losses)
    gradients = tape.gradient(penalty, [v.value if hasattr(v.value, "dtype") else v for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        if len(variable.shape) > 1:
            np.testing.assert_allclose(gradient, 0.25 * variable.numpy(), rtol=1e-5, atol=1e-8)
        else:
            assert gradient is None
    assert len(kernels) == len(model.losses)
    assert not small().losses


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, tf.keras.layers.BatchNormalization)]


def test_batch_norm_momentum_can_be_set_and_statistics_are_synchronized():
    own, asked = norms(small()), norms(small(batch_norm_momentum=0.5))
    assert {layer.momentum for layer in own} == {0.999}
    assert {layer.momentum for layer in asked} == {0.5}
    assert not any(layer.synchronized for layer in own)
    with tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]).scope():
        shared = norms(small())
    assert len(shared) == len(own)
    assert all(layer.synchronized for layer in shared)


def test_same_seed_gives_the_same_weights():
    def weights():
        tf.keras.utils.set_random_seed(4)
        return [variable.numpy() for variable in small().variables if variable.dtype == "float32"]

    for one, other in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_width_scales_the_mobilenets():
    half = mobile.build("mobilenet_v2", 32, 10, width=0.5)
    assert half.count_params() < 0.5 * mobile.build("mobilenet_v2", 32, 10).count_params()


def test_logits_are_float32_in_mixed_precision():
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = small()
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert model(tf.zeros([1, 32, 32, 3])).dtype == tf.float32
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mobilenet_v2", 31, 1.0, False), r"at least 32 pixels.*Received: image_size=31"),
        (("nasnet_mobile", 64, 1.0, True), r"auxiliary head needs .* 80 pixels.*Received: image_size=64"),
        (("nasnet_mobile", 224, 0.5, False), r"fixed width; leave it at 1\. Received: width=0\.5"),
        (("mobilenet_v2", 224, 1.0, True), r"MobileNetV2 has no auxiliary head"),
    ],
)
def test_impossible_models_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        mobile.require_buildable(*arguments)
