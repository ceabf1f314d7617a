import dataclasses

import numpy as np
import tensorflow as tf

import nos_tf
from nos_tf import tasks


@dataclasses.dataclass
class Scaled:
    """An objective with a hyperparameter; not hashable."""

    factor: float
    dtype: str = "float32"

    def losses(self, targets, outputs):
        return self.factor * tf.math.squared_difference(outputs, targets)

    def scores(self, targets, outputs):
        return 1.0 - self.losses(targets, outputs)

    def chance(self, targets, deviations):
        return 0.0


def test_any_objective_can_be_evaluated():
    inputs = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    split = tasks.Split(inputs, inputs[:, :1])

    def build():
        return tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(1)])

    own = tasks.Task("own", "points", lambda _: tasks.Splits(split, split, split), build, 10, objective=Scaled(1.0))
    tasks.check(own)
    known = dataclasses.replace(own, objective=tasks.SQUARED_ERROR)
    assert nos_tf.evaluate("g", task=own).history == nos_tf.evaluate("g", task=known).history
