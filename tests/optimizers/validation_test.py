"""Checks of the optimizers' arguments; their messages are tested with the optimizers."""

from __future__ import annotations

import numpy as np

from nos_tf.optimizers.validation import check_beta, check_seed, check_total_steps


def test_good_values_pass_as_plain_python_numbers() -> None:
    for value, checked in (
        (0, check_beta("beta", 0)),
        (0.5, check_beta("beta", np.float32(0.5))),
        (7, check_seed(np.int64(7))),
        (9, check_total_steps(np.int32(9), "a decay")),
    ):
        assert checked == value
        assert type(checked) in (int, float)
    assert check_total_steps(None, None) is None
