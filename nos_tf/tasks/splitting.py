"""Turns a data set into the three splits of a task, in a fixed random order and scaled by the training examples."""

from __future__ import annotations

import numpy as np

from nos_tf.tasks.task import Split, Splits


def shuffled(*arrays: np.ndarray) -> list[np.ndarray]:
    """Arrays of equal length in one random order, which is the same in every process."""
    order = np.random.default_rng(0).permutation(len(arrays[0]))
    return [array[order] for array in arrays]


def z_scores(inputs: np.ndarray, train: int) -> np.ndarray:
    """Inputs scaled so that every column has mean 0 and variance 1 over the first `train` examples."""
    rows = inputs[:train]
    return ((inputs - rows.mean(axis=0)) / rows.std(axis=0)).astype(np.float32)


def standardized(targets: np.ndarray, train: int) -> np.ndarray:
    """Targets for `SquaredError`: centered by column and scaled as a whole, based on the first `train` examples."""
    centered = targets - targets[:train].mean(axis=0)
    return (centered / centered[:train].std()).astype(np.float32)


def splits(inputs: np.ndarray, labels: np.ndarray, train: int, validation: int) -> Splits:
    """Uses the first examples for training, the next for validation, and the rest for testing."""
    ends = (train, train + validation)
    return Splits(*map(Split, np.split(inputs, ends), np.split(labels, ends)))
