import numpy as np

from nos_tf.optimizers.keras_compat import xp
from tests.backends.backend import numpy


def test_sign_of_nan_is_nan() -> None:
    values = xp.convert_to_tensor(np.array([-2.0, 0.0, np.nan, 3.0], np.float32))
    np.testing.assert_array_equal(numpy(xp.sign(values)), [-1.0, 0.0, np.nan, 1.0])
