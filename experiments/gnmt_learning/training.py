"""Trains a translation network: GNMT, or one made of Keras' own layers to compare it with."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from nos_tf.common.tensorflow_loading import load_single_threaded

load_single_threaded()

import tensorflow as tf  # noqa: E402

from nos_tf import optimizers  # noqa: E402
from nos_tf.datasets import wmt14  # noqa: E402
from nos_tf.models.gnmt import GNMT  # noqa: E402
from nos_tf.translation.batches import Pairs, TrainingBatches, evaluation_batches  # noqa: E402
from nos_tf.translation.loss import SmoothedCrossEntropy  # noqa: E402
from nos_tf.translation.metrics import Perplexity  # noqa: E402
from nos_tf.translation.subwords import Subwords  # noqa: E402

_DROPOUT = 0.2
_CLIP_NORM = 5.0
_WARM_UP = 0.1  # Share of the steps.
_MAX_LENGTH = 50


def train(
    network: str, optimizer: str, learning_rate: float, seed: int, flags: Mapping[str, Any]
) -> list[list[float | None]]:
    """Trains a network from new weights.

    Args:
      network: "gnmt", "gnmt:" and the bound of its initial weights, or "keras".
      optimizer: Name of the optimizer.
      learning_rate: Peak learning rate, between a linear warm-up and a cosine decay.
      seed: Seed of all random draws.
      flags: Values of the script's flags.

    Returns:
      For each epoch, the validation perplexity with the true sources and with sources shuffled among the sentences;
      None if it is not finite, because the training has diverged.
    """
    vocabulary_size, pairs, validation = _data(
        flags["train_split"], flags["valid_split"], flags["vocabulary"], flags["data_dir"]
    )
    tf.keras.utils.set_random_seed(seed)
    model = _network(network, vocabulary_size, flags["units"], flags["layers"], seed)
    batches = TrainingBatches(pairs, flags["batch_size"], seed)
    steps = batches.steps_per_epoch * flags["epochs"]
    warm_up = round(_WARM_UP * steps)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=learning_rate, warmup_steps=warm_up
    )
    model.compile(
        optimizers.get(optimizer, learning_rate=schedule, global_clipnorm=_CLIP_NORM),
        SmoothedCrossEntropy(),
        metrics=[Perplexity()],
        jit_compile=False,
    )
    order = np.random.default_rng(0).permutation(len(validation.source))
    shuffled = Pairs([validation.source[index] for index in order], validation.target)
    found = []
    for epoch in range(flags["epochs"]):
        part = batches.batches(epoch * batches.steps_per_epoch).take(batches.steps_per_epoch)
        model.fit(part, verbose=0, shuffle=False, steps_per_epoch=batches.steps_per_epoch)
        measured = [
            model.evaluate(evaluation_batches(each, flags["batch_size"]), verbose=0, return_dict=True)["perplexity"]
            for each in (validation, shuffled)
        ]
        found.append([float(value) if np.isfinite(value) else None for value in measured])
    return found


@functools.lru_cache(maxsize=1)
def _data(train_split: str, valid_split: str, vocabulary: int, data_dir: str | None) -> tuple[int, Pairs, Pairs]:
    """Returns the number of subwords, the training pairs and the validation pairs."""
    text, valid = (wmt14.load(split, data_dir=data_dir) for split in (train_split, valid_split))
    subwords = Subwords.train(itertools.chain(text.source, text.target), vocabulary)
    pairs, validation = (Pairs.encode(each, subwords).within(_MAX_LENGTH) for each in (text, valid))
    return subwords.vocabulary_size, pairs, validation


def _network(name: str, vocabulary_size: int, units: int, layers: int, seed: int) -> tf.keras.Model:
    kind, _, bound = name.partition(":")
    if kind == "keras":
        return keras_network(vocabulary_size, units, layers)
    return GNMT(vocabulary_size, units, layers, _DROPOUT, float(bound) if bound else None, seed)


def keras_network(vocabulary_size: int, units: int, num_layers: int) -> tf.keras.Model:
    """Builds an LSTM encoder and decoder with additive attention from Keras' own layers.

    The first encoder layer is bidirectional. The context is concatenated with the decoder's output before the
    projection, but does not enter the decoder. Inputs and outputs are those of `nos_tf.models.gnmt.GNMT`.
    """
    layers = tf.keras.layers

    def lstm(x: Any) -> Any:
        return layers.LSTM(units, return_sequences=True)(layers.Dropout(_DROPOUT)(x))

    source = tf.keras.Input((None,), dtype="int32", name="source")
    target = tf.keras.Input((None,), dtype="int32", name="target_in")
    encoded = layers.Dropout(_DROPOUT)(layers.Embedding(vocabulary_size, units, mask_zero=True)(source))
    encoded = layers.Bidirectional(layers.LSTM(units, return_sequences=True))(encoded)
    decoded = lstm(layers.Embedding(vocabulary_size, units)(target))
    for _ in range(num_layers - 1):
        encoded, decoded = lstm(encoded), lstm(decoded)
    keys, queries = (layers.Dense(units, use_bias=False)(x) for x in (encoded, decoded))
    context = layers.AdditiveAttention()([queries, encoded, keys])
    output = layers.Dropout(_DROPOUT)(layers.Concatenate()([decoded, context]))
    return tf.keras.Model({"source": source, "target_in": target}, layers.Dense(vocabulary_size)(output))
