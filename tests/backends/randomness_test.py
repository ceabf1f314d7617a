"""The same bits on every backend: Philox against its published test vectors, and draws against the NumPy twin."""

from __future__ import annotations

import numpy as np
import pytest

from nos_tf.optimizers import schedules
from nos_tf.optimizers.keras_compat import WORD, xp
from nos_tf.optimizers.philox import philox4x32
from nos_tf.optimizers.randomness import SCHEDULE, Randomness
from tests.backends import twin
from tests.backends.backend import double_precision, numpy

# `kat_vectors` of Random123: philox4x32 with 10 rounds; counter, key and result.
VECTORS = (
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_published_vectors(counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]) -> None:
    def words(values: tuple[int, ...], dtype: str) -> list:
        return [xp.convert_to_tensor(np.array([value] * 3, dtype)) for value in values]

    result = philox4x32(words(counter, WORD), words(key, WORD), xp)
    np.testing.assert_array_equal([numpy(word) for word in result], [[value] * 3 for value in expected])
    arrays = [[np.array([value], np.uint32) for value in values] for values in (counter, key)]
    np.testing.assert_array_equal([int(word[0]) for word in philox4x32(*arrays, np)], expected)
    np.testing.assert_array_equal([int(word) for word in twin.philox(counter, key)], expected)


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 - 1])
@pytest.mark.parametrize(("step", "site"), [(0, 0), (1, 15), (2**31 - 1, 3)])
def test_draws_are_the_twins(seed: int, step: int, site: int) -> None:
    sizes = {0: 5, 1: 8, 70_000: 3}
    source, at = Randomness(seed, sizes), xp.convert_to_tensor(step, dtype="int32")
    expected = np.concatenate([twin.uniform(seed, step, index, site, size) for index, size in sizes.items()])
    np.testing.assert_array_equal(numpy(source.draw(site, at, "float32", normal=False)), expected)
    expected = np.concatenate([twin.normal(seed, step, index, site, size) for index, size in sizes.items()])
    np.testing.assert_allclose(numpy(source.draw(site, at, "float32", normal=True)), expected, rtol=1e-4, atol=1e-6)
    with double_precision():
        np.testing.assert_allclose(numpy(source.draw(site, at, "float64", normal=True)), expected, rtol=1e-12)


def test_no_two_steps_sites_variables_or_seeds_share_a_draw() -> None:
    def draw(seed: int = 0, variable: int = 0, site: int = 0, step: int = 0) -> np.ndarray:
        at = xp.convert_to_tensor(step, dtype="int32")
        return numpy(Randomness(seed, {variable: 64}).draw(site, at, "float32", normal=False))

    places = ({}, {"seed": 1}, {"step": 1}, {"step": 2**30}, {"site": 1}, {"variable": 1}, {"variable": SCHEDULE})
    draws = np.concatenate([draw(**place) for place in places])
    assert len(np.unique(draws)) == draws.size


def test_noise_of_a_schedule_is_the_twins() -> None:
    schedule = schedules.NoisyLinearCosineDecay(1.0, 100, seed=3)
    plain = schedules.LinearCosineDecay(1.0, 100)
    for step in (0, 1, 50):
        noise = twin.normal(3, step, SCHEDULE, 0, 1)[0] / np.sqrt((1.0 + step) ** 0.55)
        cosine = 0.5 * (1.0 + np.cos(np.pi * step / 100))
        difference = float(numpy(schedule(step))) - float(numpy(plain(step)))
        assert difference == pytest.approx(noise * cosine, rel=1e-4, abs=1e-6)
