"""Which source subwords a model attends to while it produces a given translation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from nos_tf.translation.batches import Pairs
from nos_tf.translation.beam_search import Decoder
from nos_tf.translation.subwords import END, Subwords

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 2  # Sentence pairs next to each other in the figure.


class Alignment(NamedTuple):
    """Attention between the subwords of a sentence pair.

    Attributes:
      source: Subwords of the source and its end of sentence.
      target: Subwords of the translation and its end of sentence.
      weights: Attention while each target subword is predicted, `[target, source]`; rows sum to 1.
    """

    source: list[str]
    target: list[str]
    weights: np.ndarray


def align(model: Decoder, subwords: Subwords, pairs: Pairs) -> list[Alignment]:
    """Decodes given translations and returns the attention.

    Args:
      model: A trained model, such as `GNMT`.
      subwords: Subword model that it was trained with.
      pairs: Sentence pairs.
    """
    inputs, _ = pairs.batch(range(len(pairs.source)))
    weights = _attention(model, tf.constant(inputs["source"]), tf.constant(inputs["target_in"])).numpy()
    found = []
    for rows, *ids in zip(weights, pairs.source, pairs.target, strict=True):
        source, target = (subwords.pieces([*side, END]) for side in ids)
        found.append(Alignment(source, target, rows[: len(target), : len(source)]))
    return found


def _attention(model: Decoder, source: tf.Tensor, target_in: tf.Tensor) -> tf.Tensor:
    """Attention weights of each step, `[batch, target, source]`."""
    memory, state = model.encode(source), model.initial_state(tf.shape(source)[0])
    steps = []
    for tokens in tf.unstack(target_in, axis=1):
        _, weights, state = model.step(tokens, state, memory)
        steps.append(tf.cast(weights, tf.float32))
    return tf.stack(steps, axis=1)


def draw(alignments: Sequence[Alignment]) -> Figure:
    """Draws a heat map of the attention for each sentence pair."""
    from matplotlib.figure import Figure

    rows = -(-len(alignments) // _COLUMNS)
    figure = Figure(figsize=(5.0 * _COLUMNS, 4.6 * rows), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, one in zip(grid, alignments, strict=False):
        image = axes.imshow(one.weights, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        axes.set_xticks(range(len(one.source)), _plain(one.source), rotation=90, fontsize=7)
        axes.set_yticks(range(len(one.target)), _plain(one.target), fontsize=7)
    for axes in grid[len(alignments) :]:
        axes.set_axis_off()
    figure.supxlabel("source")
    figure.supylabel("translation")
    figure.colorbar(image, ax=grid.tolist(), label="attention", shrink=0.6)
    return figure


def _plain(subwords: Sequence[str]) -> list[str]:
    """Escapes what matplotlib would read as mathematics."""
    return [text.replace("$", r"\$") for text in subwords]
