"""Trains a task's child network with any program, in graphs that are traced once per process.

The rule, the learning rate, the seed and the order of the examples are inputs of the graphs, so a new candidate costs
only its training steps.
"""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nos_tf.dsl import Program
from nos_tf.dsl.primitives import AVERAGES
from nos_tf.evaluation.interpreter import Interpreter, encode, encode_slots
from nos_tf.optimizers.keras_compat import tf_variables
from nos_tf.tasks.task import Split, Task

_CALIBRATION_BATCHES = 4  # Training batches whose statistics batch normalization uses in scoring.
_SCORING_BATCH = 1_000


class Score(NamedTuple):
    """A child's score on a split: accuracy in 0..1, and mean log-probability of the correct label in nats.

    For a task with its own objective, these are the mean score and the negative loss.
    """

    accuracy: float
    log_likelihood: float

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.log_likelihood)


class State(NamedTuple):
    """What training continues from: the weights as one vector, their averages, and the model's other variables."""

    weights: tf.Tensor
    averages: list[tf.Tensor]
    others: list[np.ndarray]


class Trainer:
    """A child network that can be reset and trained again without being rebuilt.

    Args:
      task: Data, network and batch size.
      data_dir: Folder of prepared data sets, or None.

    Attributes:
      model: The child network.
      all_steps: Number of steps since the trainer was created; if training diverges, these include the step with the
        nonfinite loss.
    """

    def __init__(self, task: Task, data_dir: str | None = None):
        self._task = task
        splits = task.load(data_dir)
        self._train = _on_device(splits.train, task.objective.dtype)
        self._splits = {
            name: _on_device(split, task.objective.dtype)
            for name, split in (("validation", splits.validation), ("test", splits.test))
        }
        self._train_size = len(splits.train)
        self.all_steps = 0
        self._initial: dict[int, State] = {}
        self.model = self._new_model()
        self._variables = tf_variables(self.model.variables)
        self._weights = tf_variables(self.model.trainable_variables)
        self._shapes = [weight.shape for weight in self._weights]
        self._sizes = [shape.num_elements() for shape in self._shapes]
        self._no_averages = [tf.zeros([sum(self._sizes)])] * len(AVERAGES)
        self._interpreter = Interpreter(self._sizes)
        self._normalizations = [
            (*tf_variables([layer.moving_mean, layer.moving_variance]), layer.momentum)
            for layer in _layers(self.model)
            if isinstance(layer, tf.keras.layers.BatchNormalization)
        ]
        # Variables other than the weights and what `calibrate` sets, such as the state of random layers.
        set_elsewhere = [*self._weights, *(part for *parts, _ in self._normalizations for part in parts)]
        self._others = [value for value in self._variables if not any(value is known for known in set_elsewhere)]
        self._flat, self._averages = _flat(self._weights), self._no_averages
        scalar, matrix = tf.TensorSpec([], tf.float32), tf.TensorSpec([None, None], tf.int32)
        counter, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)
        vectors = [tf.TensorSpec([sum(self._sizes)])] * (1 + len(AVERAGES))
        self._train_graph = _graph(self._train_steps, matrix, counter, scalar, matrix, counter, scalar, seed, *vectors)
        self._calibrate_graph = _graph(self._calibrate, matrix)
        self._score_graphs = {name: _graph(lambda name=name: self._score(*self._splits[name])) for name in self._splits}

    @property
    def steps_per_epoch(self) -> int:
        """Training steps per epoch; examples that do not fill a batch are left out."""
        examples = min(self._task.examples_per_epoch or self._train_size, self._train_size)
        return max(1, examples // self._task.batch_size)

    def chance(self, deviations: float) -> float:
        """Validation accuracy that is `deviations` standard errors above that of a child that learned nothing."""
        return self._task.objective.chance(self._splits["validation"][1].numpy(), deviations)

    @property
    def traces(self) -> int:
        """How many times the graphs have been traced, in total."""
        graphs = [self._train_graph, self._calibrate_graph, *self._score_graphs.values()]
        return sum(graph.experimental_get_tracing_count() for graph in graphs)

    def reset(self, seed: int) -> None:
        """Starts a new training run from the seed's initial weights."""
        if seed not in self._initial:
            with _seeded(seed):
                variables = tf_variables(self._new_model().variables)
            values = {id(mine): initial for mine, initial in zip(self._variables, variables, strict=True)}
            weights = _flat([values[id(weight)] for weight in self._weights])
            others = [values[id(other)].numpy() for other in self._others]
            self._initial[seed] = State(weights, self._no_averages, others)
        self.restore(self._initial[seed])

    def state(self) -> State:
        """Everything that training continues from."""
        return State(self._flat, self._averages, [value.numpy() for value in self._others])

    def restore(self, state: State) -> None:
        """Goes back to a state that `state` returned; the model's own variables follow with the next step."""
        self._flat, self._averages = state.weights, state.averages
        for variable, value in zip(self._others, state.others, strict=True):
            variable.assign(value)

    def train(
        self, program: Program, learning_rate: float, epoch: int, steps: range, total_epochs: int, seed: int
    ) -> float | None:
        """Trains for part of an epoch.

        Args:
          program: The update rule.
          learning_rate: Its learning rate.
          epoch: Number of the epoch, from 0; together with the seed, it determines the order of the examples.
          steps: Range of steps within the epoch.
          total_epochs: Epochs of the whole run, over which the decays of a rule stretch.
          seed: Seed of the order and of the rule's noise and drop masks.

        Returns:
          Sum of the steps' losses, or None if one was not finite, which stops training.
        """
        made, loss, self._flat, self._averages = self._train_graph(
            encode(program),
            encode_slots(program),
            tf.constant(learning_rate, tf.float32),
            self.batches(epoch, seed)[steps.start : steps.stop],
            tf.constant(epoch * self.steps_per_epoch + steps.start, tf.int32),
            tf.constant(total_epochs * self.steps_per_epoch, tf.float32),
            tf.constant(seed, tf.int64),
            self._flat,
            *self._averages,
        )
        made, loss = int(made), float(loss)  # Comparing tensors would take longer than some steps.
        self.all_steps += made
        return loss if made == len(steps) and math.isfinite(loss) else None

    def train_epoch(
        self, program: Program, learning_rate: float, epoch: int, total_epochs: int, seed: int
    ) -> float | None:
        """Trains for one epoch and prepares for scoring; like `train`, but returns the mean loss of the epoch."""
        loss = self.train(program, learning_rate, epoch, range(self.steps_per_epoch), total_epochs, seed)
        if loss is None:
            return None
        self.calibrate(epoch, seed)
        return loss / self.steps_per_epoch

    def calibrate(self, epoch: int, seed: int) -> None:
        """Prepares batch normalization for scoring the child after the last step, using batches of the epoch."""
        if self._normalizations:
            self._calibrate_graph(self.batches(epoch, seed)[:_CALIBRATION_BATCHES])

    def score(self, split: str) -> Score:
        """Scores the child on `"validation"` or `"test"`."""
        correct, log_likelihood = self._score_graphs[split]()
        return Score(max(0.0, float(correct)), float(log_likelihood))

    def batches(self, epoch: int, seed: int) -> np.ndarray:
        """Indices of an epoch's examples, `[steps, batch]`: epochs go through one shuffle of the data after another."""
        batch = min(self._task.batch_size, self._train_size)
        examples = self.steps_per_epoch * batch
        epochs_per_shuffle = 1 if examples > self._train_size // 2 else self._train_size // examples
        shuffle, part = divmod(epoch, epochs_per_shuffle)
        order = np.random.default_rng((seed, shuffle)).permutation(self._train_size)
        return order[part * examples : (part + 1) * examples].reshape(self.steps_per_epoch, batch).astype(np.int32)

    def weights(self) -> list[np.ndarray]:
        """Current values of the trainable weights."""
        parts = np.split(self._flat.numpy(), np.cumsum(self._sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _new_model(self) -> Any:
        model = self._task.build_model()
        if not model.built:  # Without an input layer, it has no weights before its first call.
            model(tf.cast(self._train[0][:1], tf.float32))
        return model

    def _train_steps(
        self,
        tokens: tf.Tensor,
        slots: tf.Tensor,
        learning_rate: tf.Tensor,
        order: tf.Tensor,
        first_step: tf.Tensor,
        total_steps: tf.Tensor,
        seed: tf.Tensor,
        weights: tf.Tensor,
        *averages: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Trains until the order ends or the loss is not finite.

        Returns:
          The steps made, the sum of their losses, and the weights and averages after them.
        """
        self._assign(weights)

        def step(index: tf.Tensor, total: tf.Tensor, weights: tf.Tensor, averages: list[tf.Tensor]) -> Any:
            loss, gradient = self._loss_and_gradient(order[index])
            averages = self._interpreter.averages(slots, averages, gradient)
            update = self._interpreter.update(
                tokens, gradient, weights, averages, first_step + index, total_steps, seed
            )
            weights = weights - learning_rate * update
            self._assign(weights)
            return index + 1, total + loss, weights, averages

        return tf.while_loop(
            lambda index, total, *_: (index < tf.shape(order)[0]) & tf.math.is_finite(total),
            step,
            [0, 0.0, weights, list(averages)],
            parallel_iterations=1,
        )

    def _assign(self, weights: tf.Tensor) -> None:
        for weight, shape, value in zip(self._weights, self._shapes, tf.split(weights, self._sizes), strict=True):
            weight.assign(tf.reshape(value, shape))

    def _loss_and_gradient(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, labels = self._train
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._weights)
            outputs = self.model(tf.cast(tf.gather(inputs, batch), tf.float32), training=True)
            losses = self._task.objective.losses(tf.gather(labels, batch), outputs)
            loss = tf.reduce_mean(losses) + sum(self.model.losses)
        gradients = tape.gradient(loss, self._weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return loss, _flat(gradients)

    def _calibrate(self, order: tf.Tensor) -> None:
        """Sets the moving statistics to their averages over the given batches under the current weights.

        After a few dozen steps, the usual moving averages still reflect their initial values and old weights.
        """
        for mean, variance, _ in self._normalizations:
            mean.assign(tf.zeros_like(mean))
            variance.assign(tf.zeros_like(variance))

        def forward(index: tf.Tensor) -> tuple[tf.Tensor]:
            self.model(tf.cast(tf.gather(self._train[0], order[index]), tf.float32), training=True)
            return (index + 1,)

        batches = tf.shape(order)[0]
        tf.while_loop(lambda index: index < batches, forward, [0], parallel_iterations=1)
        for mean, variance, momentum in self._normalizations:
            weight = 1.0 - momentum ** tf.cast(batches, tf.float32)
            mean.assign(mean / weight)
            variance.assign(variance / weight)

    def _score(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        objective = self._task.objective
        correct, log_likelihood = tf.constant(0.0), tf.constant(0.0)
        for start in range(0, labels.shape[0], _SCORING_BATCH):
            part = slice(start, start + _SCORING_BATCH)
            outputs = self.model(tf.cast(inputs[part], tf.float32), training=False)
            correct += tf.reduce_sum(objective.scores(labels[part], outputs))
            log_likelihood -= tf.reduce_sum(objective.losses(labels[part], outputs))
        count = labels.shape.num_elements()
        return correct / count, log_likelihood / count


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seeds the generators that Keras' initializers draw from, and restores them afterwards.

    `tf.keras.utils.set_random_seed` would also make TensorFlow prepare every traced graph again, which takes seconds.
    """
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _graph(function: Any, *signature: tf.TensorSpec) -> Any:
    # No autograph: the control flow already uses TensorFlow's operations, and converting it takes most of the tracing.
    return tf.function(function, input_signature=signature, autograph=False)


def _on_device(split: Split, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(split.inputs), tf.constant(split.labels, dtype)


def _flat(tensors: Any) -> tf.Tensor:
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)


def _layers(model: Any) -> list[Any]:
    """Every layer of a model, including those inside other layers."""
    return list(model._flatten_layers(include_self=False, recursive=True))
