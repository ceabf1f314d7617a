"""Next-character prediction with a recurrent network, on English that comes with every Python: its help topics.

The text changes slightly from one version of Python to the next; the data label names the version.
"""

from __future__ import annotations

import platform
import string
from typing import Any

import numpy as np

from nos_tf.tasks import splitting
from nos_tf.tasks.task import Splits, register

LENGTH = 16  # Characters per example.
ALPHABET = string.ascii_lowercase + ' .,:()"-_=*'
OTHER = len(ALPHABET)  # Index of every other character.
CHARACTERS = len(ALPHABET) + 1
_VALIDATION, _TEST = 400, 400  # Examples.
_UNITS = 48


def load(data_dir: str | None = None) -> Splits:
    """Pieces of 16 characters, one-hot `[n, 16, 38]`, each with the 16 indices of the characters that come next.

    The topics are in a fixed random order; the last ones are for testing, and those before them for validation.
    """
    del data_dir  # The text is part of Python.
    codes = _codes()
    count = (len(codes) - 1) // LENGTH
    inputs, labels = (codes[first : first + count * LENGTH].reshape(count, LENGTH) for first in (0, 1))
    one_hot = np.eye(CHARACTERS, dtype=np.uint8)[inputs]
    return splitting.splits(one_hot, labels, count - _VALIDATION - _TEST, _VALIDATION)


def label(data_dir: str | None = None) -> str:
    """Describes the text."""
    del data_dir
    return f"English of pydoc_data.topics, Python {platform.python_version()}"


def build_model() -> Any:
    """A gated recurrent unit, with a linear layer on every state."""
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = tf.keras.Input((LENGTH, CHARACTERS))
    states = layers.GRU(_UNITS, return_sequences=True, unroll=True)(inputs)
    return tf.keras.Model(inputs, layers.Dense(CHARACTERS)(states))


def _codes() -> np.ndarray:
    """The whole text as int32 indices, in lowercase and with any run of white space as one space."""
    from pydoc_data.topics import topics

    (names,) = splitting.shuffled(np.array(sorted(topics)))
    text = " ".join(" ".join(topics[name].lower().split()) for name in names)
    numbers = {character: number for number, character in enumerate(ALPHABET)}
    return np.array([numbers.get(character, OTHER) for character in text], np.int32)


register("topics_gru", load, build_model, label, batch_size=32, examples_per_epoch=1600, epochs=2)
