import numpy as np
import pytest
import tensorflow as tf

from nos_tf.dsl import SearchSpace, parse
from nos_tf.evaluation.screening import cannot_learn
from nos_tf.optimizers import ProgramOptimizer


@pytest.mark.parametrize(
    "text",
    ["1", "noise", "1e-2*w", "g**2", "sqrt(g)", "v * exp(1e-1*w)", "g * m", "log(m) + drop(v, 0.3)"],
)
def test_finds_rules_that_treat_both_signs_of_the_loss_alike(text):
    assert cannot_learn(parse(text))


@pytest.mark.parametrize(
    "text",
    ["g", "-g", "m", "gamma", "adam", "rmsprop", "exp(g)", "g * sign(m) * g", "g + v", "sign(g) + 2", "clip(g, 1e-5)"],
)
def test_keeps_rules_that_can_tell_the_signs_apart(text):
    assert not cannot_learn(parse(text))


def _path(program, sign):
    weights = tf.Variable([1.0, -2.0, 0.5])
    optimizer = ProgramOptimizer(program, learning_rate=0.01, total_steps=10)
    path = []
    for _ in range(5):
        optimizer.apply_gradients([(sign * (3.0 * weights + tf.constant([0.1, 0.2, -0.3])), weights)])
        path.append(weights.numpy())
    return np.array(path)


def test_what_is_screened_out_climbs_as_it_descends():
    rng = np.random.default_rng(0)
    programs = [SearchSpace(num_groups=groups).sample(rng) for groups in (1, 2) for _ in range(40)]
    screened = [program for program in programs if cannot_learn(program)]
    assert len(screened) >= 10
    for program in screened:
        np.testing.assert_array_equal(_path(program, 1.0), _path(program, -1.0), err_msg=str(program))
