import numpy as np
import pytest

from nos_tf.models import convnet


@pytest.mark.parametrize(
    ("shape", "filters", "pool", "features"),
    [((32, 32, 3), 32, False, 32 * 32 * 32), ((16, 16, 3), 8, True, 4 * 4 * 8)],
)
def test_has_the_weights_of_two_convolutions_and_a_head(shape, filters, pool, features):
    model = convnet.build(shape, num_classes=10, filters=filters, pool=pool)
    convolutions = (9 * shape[-1] + 1) * filters + (9 * filters + 1) * filters
    normalizations = 2 * 2 * filters
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == (
        convolutions + normalizations + (features + 1) * 10
    )
    assert model(np.zeros((2, *shape), np.float32)).shape == (2, 10)


def test_scales_its_inputs():
    model = convnet.build((4, 4, 1), num_classes=3, filters=2, scale=0.5)
    bright = np.full((1, 4, 4, 1), 8.0, np.float32)
    import tensorflow as tf

    unscaled = tf.keras.models.clone_model(
        model,
        clone_function=lambda layer: layer.__class__.from_config(
            layer.get_config() | ({"scale": 1.0} if layer.__class__.__name__ == "Rescaling" else {})
        ),
    )
    unscaled.set_weights(model.get_weights())
    np.testing.assert_allclose(model(bright), unscaled(bright / 2), rtol=1e-5)
