"""PowerSign and AddSign, compared with TensorFlow's own kernels, which the authors of the paper wrote."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import AddSign, PowerSign, ProgramOptimizer
from nos_tf.optimizers.sign_family import add_sign, power_sign

STEPS = 1_000
SIZE = 8
RATE = 0.0625  # A power of two is exact in every dtype, so the order of products hardly matters.
DECAYS = (None, "ld", "cd", "rd10", "rd20")
DTYPES = ("float16", "float32", "float64")
RULES: tuple[tuple[type, dict[str, float], str, dict[str, float]], ...] = (
    (PowerSign, {}, "ResourceApplyPowerSign", {"logbase": 1.0}),
    (PowerSign, {"base": 2.0}, "ResourceApplyPowerSign", {"logbase": math.log(2.0)}),
    (AddSign, {}, "ResourceApplyAddSign", {"alpha": 1.0}),
    (AddSign, {"alpha": 2.0}, "ResourceApplyAddSign", {"alpha": 2.0}),
)


def decay_value(name: str | None, step: int) -> float:
    """Computes the decay f(t) by its formula, where t is the number of completed steps."""
    if name is None:
        return 1.0
    if name == "ld":
        return 1.0 - step / STEPS
    if name == "cd":
        return 0.5 * (1.0 + math.cos(math.pi * step / STEPS))
    return 0.5 * (1.0 + math.cos(math.pi * ((step * int(name[2:])) % STEPS) / STEPS))


@dataclasses.dataclass
class Pair:
    """A generated optimizer and the kernel that it is compared with, each with its own variable."""

    optimizer: tf.keras.optimizers.Optimizer
    kernel: Callable[..., object]
    arguments: dict[str, float]
    decay: str | None
    dtype: tf.DType

    def __post_init__(self) -> None:
        start = tf.cast(tf.linspace(-1.0, 1.0, SIZE), self.dtype)
        self.generated = tf.Variable(start)
        self.expected, self.expected_m = tf.Variable(start), tf.Variable(tf.zeros_like(start))
        self.optimizer.build([self.generated])
        self.m = self.optimizer.variables[-1]

    def step(self, gradient: tf.Tensor, decay: tf.Tensor, resume: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes a step on both sides, from the same weights if `resume`, and returns both results."""
        if resume:
            self.generated.assign(self.expected)
        gradient = tf.cast(gradient, self.dtype)
        self.optimizer.apply_gradients([(gradient, self.generated)])
        scalars = {"lr": RATE, "beta": 0.9, **self.arguments}
        self.kernel(
            var=self.expected.handle,
            m=self.expected_m.handle,
            grad=gradient,
            sign_decay=tf.cast(decay, self.dtype),
            **{name: tf.constant(value, self.dtype) for name, value in scalars.items()},
        )
        weights = tf.stack([tf.cast(value, tf.float64) for value in (self.generated, self.expected)])
        averages = tf.stack([tf.cast(tf.convert_to_tensor(value), tf.float64) for value in (self.m, self.expected_m)])
        return weights, averages


def run(resume: bool) -> tuple[list[Pair], np.ndarray, np.ndarray]:
    """Returns the pairs, and their weights and averages, each of shape `[steps, pairs, 2, size]`."""
    pairs = [
        Pair(
            make(RATE, sign_decay=decay, total_steps=STEPS, **kwargs),
            getattr(tf.raw_ops, kernel),
            arguments,
            decay,
            dtype,
        )
        for make, kwargs, kernel, arguments in RULES
        for decay in (DECAYS if not kwargs else (None,))
        for dtype in map(tf.as_dtype, DTYPES)
    ]

    @tf.function
    def step(gradient: tf.Tensor, decays: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        results = [pair.step(gradient, decays[DECAYS.index(pair.decay)], resume) for pair in pairs]
        return tf.stack([weights for weights, _ in results]), tf.stack([averages for _, averages in results])

    rng = np.random.default_rng(0)
    gradients = rng.standard_normal([STEPS, SIZE]) * 10.0 ** rng.uniform(-2.0, 0.0, SIZE)
    steps = [
        step(tf.constant(gradient), tf.constant([decay_value(name, t) for name in DECAYS], tf.float64))
        for t, gradient in enumerate(gradients)
    ]
    return pairs, *(np.stack([result[i].numpy() for result in steps]) for i in range(2))


def epsilon(pair: Pair) -> float:
    return float(np.finfo(pair.dtype.as_numpy_dtype).eps)


def test_every_step_equals_the_kernels() -> None:
    pairs, weights, averages = run(resume=True)
    for i, pair in enumerate(pairs):
        generated, expected = weights[:, i, 0], weights[:, i, 1]
        np.testing.assert_array_equal(averages[:, i, 0], averages[:, i, 1])
        before = np.concatenate([np.abs(expected[:1]), np.abs(expected[:-1])])
        largest = np.maximum(before, np.abs(expected))
        step = np.abs(np.diff(expected, axis=0, prepend=expected[:1]))
        assert (np.abs(generated - expected) <= epsilon(pair) * (largest + 4 * step)).all(), (pair.decay, pair.dtype)


def test_a_training_of_1000_steps_equals_the_kernels() -> None:
    pairs, weights, _ = run(resume=False)
    for i, pair in enumerate(pairs):
        error = np.abs(weights[:, i, 0] - weights[:, i, 1])
        # Each step is off by at most one rounding (see the test above), and these errors add up like a random walk.
        bound = 4 * np.sqrt(STEPS) * epsilon(pair) * np.abs(weights[:, i, 1]).max()
        assert (error <= bound).all(), (pair.decay, pair.dtype, error.max(), bound)


@pytest.mark.parametrize("make", [PowerSign, AddSign])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 1.0}, r"in \[0, 1\)\. Received: beta=1\.0$"),
        ({"beta": -0.5}, r"Received: beta=-0\.5$"),
        ({"beta": float("nan")}, r"Received: beta=nan$"),
        ({"beta": "x"}, r"Received: beta='x'$"),
        ({"sign_decay": "exp"}, r"one of ld, cd, rd10, rd20\. Received: 'exp'$"),
        ({"sign_decay": "cd"}, r"sign_decay='cd' decays .* total_steps\. Received: total_steps=None$"),
        ({"sign_decay": "cd", "total_steps": 0}, r"Received: total_steps=0$"),
        ({"total_steps": 1.5}, r"Received: total_steps=1\.5$"),
    ],
)
def test_bad_arguments(make: type, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.parametrize("base", [0.0, -1.0, math.inf, math.nan, "e", None])
def test_bad_base(base: object) -> None:
    with pytest.raises(ValueError, match=rf"positive number\. Received: base={base!r}$"):
        PowerSign(base=base)


@pytest.mark.parametrize("alpha", [math.inf, math.nan, "1", None])
def test_bad_alpha(alpha: object) -> None:
    with pytest.raises(ValueError, match=rf"finite number\. Received: alpha={alpha!r}$"):
        AddSign(alpha=alpha)


def test_two_steps_of_powersign_by_hand() -> None:
    # Step 1: m = 0.9 * 0 + 0.1 * 2 = 0.2, and sign(2) sign(0.2) = 1, so the update is 3**1 * 2 = 6.
    update, average = power_sign(tf.constant([2.0], tf.float64), tf.constant([0.0], tf.float64), base=3.0)
    np.testing.assert_allclose(update, [6.0], rtol=1e-15)
    np.testing.assert_allclose(average, [0.2], rtol=1e-15)
    # Step 2: m = 0.9 * 0.2 + 0.1 * -1 = 0.08, and sign(-1) sign(0.08) = -1, so the update is 3**-1 * -1 = -1/3.
    update, average = power_sign(tf.constant([-1.0], tf.float64), average, base=3.0)
    np.testing.assert_allclose(update, [-1 / 3], rtol=1e-15)
    np.testing.assert_allclose(average, [0.08], rtol=1e-14)


def test_two_steps_of_addsign_by_hand() -> None:
    # Step 1: m = 0.5 * 0 + 0.5 * 2 = 1; with a decay of 0.5, the update is (1 + 0.5 * 1) * 2 = 3.
    half = tf.constant(0.5, tf.float64)
    update, average = add_sign(tf.constant([2.0], tf.float64), tf.constant([0.0], tf.float64), beta=0.5, decay=half)
    np.testing.assert_allclose(update, [3.0], rtol=1e-15)
    # Step 2: m = 0.5 * 1 + 0.5 * -0.5 = 0.25; the signs differ, so the update is (1 - 0.5) * -0.5 = -0.25.
    update, average = add_sign(tf.constant([-0.5], tf.float64), average, beta=0.5, decay=half)
    np.testing.assert_allclose(update, [-0.25], rtol=1e-15)
    np.testing.assert_allclose(average, [0.25], rtol=1e-15)


@pytest.mark.parametrize("rate", [1, 10, np.float32(0.5), np.int64(2), np.array(0.25), 0.1])
@pytest.mark.parametrize("make", [PowerSign, AddSign, lambda rate: ProgramOptimizer("g * m", rate)])
def test_any_number_is_a_learning_rate(make: Callable, rate: object) -> None:
    optimizer = make(rate)
    np.testing.assert_allclose(float(optimizer.learning_rate), float(rate), rtol=1e-7)
    optimizer.learning_rate = 3
    assert float(optimizer.learning_rate) == 3.0


def test_a_tensor_is_a_learning_rate() -> None:
    assert float(PowerSign(tf.constant(0.5)).learning_rate) == 0.5


@pytest.mark.parametrize("rate", [None, [0.1, 0.2], 1j])
def test_bad_learning_rates_are_refused(rate: object) -> None:
    with pytest.raises(ValueError, match=r"^learning_rate must be a number or a LearningRateSchedule\. Received: "):
        PowerSign(rate)
