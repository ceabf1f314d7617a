"""Learning rate schedules, compared with TensorFlow 1's functions by the same authors and with their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.optimizers import schedules

STEPS = np.arange(0, 131, 10)


def rates(schedule: tf.keras.optimizers.schedules.LearningRateSchedule) -> np.ndarray:
    return np.array([float(schedule(tf.constant(step, tf.int64))) for step in STEPS])


@pytest.mark.parametrize("arguments", [{}, {"num_periods": 2.0, "alpha": 0.5, "beta": 0.25}])
def test_linear_cosine_equals_tensorflow_1s(arguments: dict[str, float]) -> None:
    schedule = schedules.LinearCosineDecay(0.5, 100, **arguments)
    expected = [tf.compat.v1.train.linear_cosine_decay(0.5, tf.constant(step), 100, **arguments)() for step in STEPS]
    np.testing.assert_allclose(rates(schedule), expected, rtol=1e-5, atol=1e-7)


def test_linear_cosine_equals_its_formula() -> None:
    t = np.minimum(STEPS, 100) / 100
    expected = 0.5 * ((1 - t) * 0.5 * (1 + np.cos(np.pi * t)) + 0.001)
    np.testing.assert_allclose(rates(schedules.LinearCosineDecay(0.5, 100)), expected, rtol=1e-5, atol=1e-7)


def noise(steps: int, **arguments: float) -> np.ndarray:
    """Returns what the noisy schedule adds to its linear part, in the first steps of a practically endless training."""
    noisy = schedules.NoisyLinearCosineDecay(1.0, 2**40, num_periods=0.0, beta=0.0, **arguments)
    rate = tf.function(lambda: tf.map_fn(noisy, tf.range(steps), fn_output_signature=tf.float32))
    return rate().numpy() - 1.0


def test_noise_is_normal_with_the_initial_variance() -> None:
    draws = noise(5000, initial_variance=3.0, variance_decay=0.0)
    assert abs(draws.mean()) < 5 * np.sqrt(3.0 / 5000)
    assert abs(draws.var() / 3.0 - 1) < 5 * np.sqrt(2 / 5000)
    assert abs((np.abs(draws) < np.sqrt(3.0)).mean() - 0.6827) < 5 * np.sqrt(0.68 * 0.32 / 5000)


def test_variance_of_the_noise_decays_by_its_exponent() -> None:
    t = np.arange(200)
    expected = noise(200, variance_decay=0.0) / np.sqrt((1.0 + t) ** 0.55)
    np.testing.assert_allclose(noise(200), expected, rtol=1e-4, atol=1e-6)


def test_noise_is_the_same_for_a_seed_and_differs_between_steps() -> None:
    one, same, other = (rates(schedules.NoisyLinearCosineDecay(1.0, 1000, seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()
    plain = rates(schedules.LinearCosineDecay(1.0, 1000))
    assert len(set(one - plain)) == len(STEPS)


def test_noise_without_variance_is_zero() -> None:
    noisy = schedules.NoisyLinearCosineDecay(1.0, 100, initial_variance=0.0)
    np.testing.assert_allclose(rates(noisy), rates(schedules.LinearCosineDecay(1.0, 100)))


@pytest.mark.parametrize("make", [schedules.LinearCosineDecay, schedules.NoisyLinearCosineDecay])
def test_config_round_trip(make: type) -> None:
    schedule = make(0.5, 100, num_periods=1.5, alpha=0.25, beta=0.125)
    module = tf.keras.optimizers.schedules
    again = module.deserialize(module.serialize(schedule))
    assert type(again) is make
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal(rates(again), rates(schedule))


def test_get_knows_every_name() -> None:
    assert schedules.names() == ("constant", "cosine", "restarts", "linear_cosine", "noisy_linear_cosine")
    assert schedules.get("constant", 0.5, 100) == 0.5
    cosine = 0.5 * (1 + np.cos(np.pi * np.minimum(STEPS, 100) / 100))
    np.testing.assert_allclose(rates(schedules.get("cosine", 1.0, 100)), cosine, atol=1e-6)
    inside = STEPS < 100
    restarts = 0.5 * (1 + np.cos(np.pi * ((STEPS * 10) % 1000) / 1000))
    np.testing.assert_allclose(rates(schedules.get("restarts", 1.0, 1000)), restarts, atol=1e-5)
    linear = rates(schedules.get("linear_cosine", 1.0, 100))
    np.testing.assert_array_equal(linear, rates(schedules.LinearCosineDecay(1.0, 100)))
    noisy = rates(schedules.get("noisy_linear_cosine", 1.0, 100))
    assert (noisy[inside] != linear[inside]).all()


@pytest.mark.parametrize("total_steps", [1000, 1009, 95])
def test_restarts_have_ten_periods(total_steps: int) -> None:
    schedule = schedules.get("restarts", 1.0, total_steps)
    progress = np.arange(total_steps) / (total_steps / 10)
    expected = 0.5 * (1 + np.cos(np.pi * (progress % 1)))
    found = [float(schedule(step)) for step in range(total_steps)]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found[-1] < 0.1


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'cosine'.* Received: 'cosin'$"):
        schedules.get("cosin", 0.1, 10)
    with pytest.raises(ValueError, match=r"Received: total_steps=0$"):
        schedules.get("cosine", 0.1, 0)
    with pytest.raises(ValueError, match=r"Received: decay_steps=-5$"):
        schedules.LinearCosineDecay(0.1, -5)
    with pytest.raises(ValueError, match=r"Received: seed=-1$"):
        schedules.NoisyLinearCosineDecay(0.1, 5, seed=-1)
