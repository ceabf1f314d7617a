"""Runs an optimizer on the Rosenbrock function, compiled once for any learning rate, seed and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from experiments.rosenbrock import function
from nos_tf.optimizers.keras_compat import optimizer_variables


def gradient_noise(seed: int, iterations: int) -> np.ndarray:
    """Standard normal draws of shape `[iterations, 2]`, the same for every optimizer."""
    return np.random.default_rng(seed).standard_normal((iterations, 2), np.float32)


class Descent:
    """Minimizes the function over one float32 variable of shape `[2]` with a Keras optimizer.

    All iterations form one graph, with the parameters of a run as inputs, so that a run takes a millisecond.

    Args:
      optimizer: Optimizer, not used elsewhere.
      iterations: Iterations per run.
    """

    def __init__(self, optimizer: Any, iterations: int):
        self._optimizer = optimizer
        self._weights = tf.Variable(function.START)
        if hasattr(optimizer, "build"):  # Optimizers of tensorflow-addons have no `build`.
            optimizer.build([self._weights])
        self._seed = tf.Variable(0, dtype=tf.int64, trainable=False)
        if hasattr(optimizer, "seed"):
            optimizer.seed = self._seed  # A number would become a constant in the graph.
        self._iterations = iterations
        # With so few numbers, an iteration is a hundred times faster when compiled with XLA.
        steps = tf.function(self._steps, jit_compile=True)
        self._descend = steps.get_concrete_function(tf.TensorSpec([iterations, 2], tf.float32))
        # Some optimizers do not list all of their state, and a graph omits variables that only kernels change.
        state = [*self._descend.graph.variables, *optimizer_variables(optimizer)]
        self._initial = [(one, one.numpy()) for one in {id(one): one for one in state}.values()]

    def run(self, learning_rate: float, seed: int, noise: float) -> np.ndarray:
        """Returns the weights at the start and after each iteration, float32 of shape `[iterations + 1, 2]`.

        Args:
          learning_rate: Learning rate of the optimizer.
          seed: Seed of the gradient noise and of the rule's random draws.
          noise: Standard deviation of Gaussian noise added to each component of each gradient.
        """
        for variable, initial in self._initial:
            variable.assign(initial)
        self._optimizer.learning_rate = learning_rate
        self._seed.assign(seed)
        path = self._descend(tf.constant(noise * gradient_noise(seed, self._iterations), tf.float32))
        return np.concatenate([np.array([function.START], np.float32), path.numpy()])

    def _steps(self, noise: tf.Tensor) -> tf.Tensor:
        path = tf.TensorArray(tf.float32, self._iterations)
        for step in tf.range(self._iterations):
            gradient = tf.stack(function.gradient(*tf.unstack(self._weights))) + noise[step]
            self._optimizer.apply_gradients([(gradient, self._weights)])
            path = path.write(step, self._weights)
        return path.stack()
