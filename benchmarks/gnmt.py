r"""Times GNMT's training step and beam search: python -m benchmarks.gnmt

Timed alternately (A B C A B C ...), reported as medians of the ratios in each round:

1. a training step (including dropout, attention, projection, loss, perplexity and PowerSign's update) against the
   forward and backward pass of only the LSTM stack with layers of the same sizes, with Keras' LSTM layers and with this
   package's;
2. beam search of width 4 against greedy search, with the same number of steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks import figures
from nos_tf import optimizers
from nos_tf.models import gnmt
from nos_tf.translation.beam_search import compile_search
from nos_tf.translation.loss import SmoothedCrossEntropy
from nos_tf.translation.metrics import Perplexity

_UNITS = flags.DEFINE_integer("units", 256, "Units per layer.")
_LAYERS = flags.DEFINE_integer("layers", 2, "Layers in the encoder and in the decoder.")
_VOCABULARY = flags.DEFINE_integer("vocabulary", 4000, "Number of subwords.")
_BATCH = flags.DEFINE_integer("batch", 64, "Sentence pairs per batch.")
_LENGTH = flags.DEFINE_integer("length", 30, "Subwords per sentence.")
_ROUNDS = flags.DEFINE_integer("rounds", 10, "Repetitions.", lower_bound=1)
_PARTS = flags.DEFINE_multi_enum("part", ["training", "decoding"], ["training", "decoding"], "What to time.")


def _bare_stack(layer: Callable[[], tf.keras.layers.Layer], time_major: bool) -> Callable[[], tf.Tensor]:
    """Returns the forward and backward pass of the encoder's and decoder's layers on fixed inputs."""
    count, units = _LAYERS.value, _UNITS.value
    encoder, decoder = [layer() for _ in range(count + 1)], [layer() for _ in range(count)]
    shape = (_LENGTH.value, _BATCH.value) if time_major else (_BATCH.value, _LENGTH.value)
    embedded = tf.random.normal([*shape, units])
    context = tf.random.normal([*shape, units])

    def stack(x: tf.Tensor, below: tf.Tensor) -> tf.Tensor:
        y = tf.concat([encoder[0](x), encoder[1](x)], axis=-1)
        for part in encoder[2:]:
            y = part(y)
        for part in decoder:
            below = part(tf.concat([below, context], axis=-1))
        return tf.reduce_sum(y) + tf.reduce_sum(below)

    @tf.function
    def run(x: tf.Tensor, below: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch([x, below])
            loss = stack(x, below)
        # The sum needs every gradient, so none is pruned from the graph.
        gradients = tape.gradient(loss, [x, below, *tape.watched_variables()])
        return tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])

    stack(embedded, embedded)  # Creates the weights.
    return lambda: run(embedded, embedded).numpy()


def _training_step(source: np.ndarray) -> Callable[[], object]:
    model = gnmt.GNMT(_VOCABULARY.value, _UNITS.value, _LAYERS.value)
    model.compile(optimizers.PowerSign(1e-3), SmoothedCrossEntropy(), metrics=[Perplexity()], jit_compile=False)
    step = tf.function(model.train_step)
    batch = ({"source": tf.constant(source), "target_in": tf.constant(source)}, tf.constant(source))
    return lambda: float(step(batch)["loss"])


def _search(source: np.ndarray, width: int, model: gnmt.GNMT) -> Callable[[], object]:
    search = compile_search(model, width)
    lengths = tf.fill([len(source)], _LENGTH.value)
    return lambda: search(source, lengths).scores.numpy()


def _interleave(functions: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    for function in functions.values():
        function()
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(_ROUNDS.value):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def _report(seconds: dict[str, list[float]], tokens: int) -> None:
    """Prints one line per side, with the ratio of the first side to it."""
    first = next(iter(seconds.values()))
    for name, times in seconds.items():
        ratios = [ours / theirs for ours, theirs in zip(first, times, strict=True)]
        figures.record(f"{name}: ms", 1e3 * statistics.median(times))
        figures.record(f"{name}: ratio of the first to this", statistics.median(ratios))
        print(
            f"{name}: {1e3 * statistics.median(times):.0f} ms, {tokens / statistics.median(times):,.0f} tokens/s; "
            f"first over this {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}), "
            f"fastest over fastest {min(first) / min(times):.2f}",
            flush=True,
        )


def main(argv: Sequence[str]) -> None:
    del argv
    source = np.random.default_rng(0).integers(4, _VOCABULARY.value, (_BATCH.value, _LENGTH.value)).astype(np.int32)
    print(
        f"TensorFlow {tf.__version__}, {_LAYERS.value}+{_LAYERS.value} layers of {_UNITS.value} units, "
        f"{_VOCABULARY.value} subwords, {_BATCH.value} pairs of {_LENGTH.value} subwords, n={_ROUNDS.value}"
    )
    if "training" in _PARTS.value:
        sides = {
            "training step": _training_step(source),
            "bare stack of Keras' layers": _bare_stack(
                lambda: tf.keras.layers.LSTM(_UNITS.value, return_sequences=True), time_major=False
            ),
            "bare stack of this package's layers": _bare_stack(
                lambda: gnmt.LSTM(_UNITS.value, tf.keras.initializers.GlorotUniform), time_major=True
            ),
        }
        _report(_interleave(sides), 2 * source.size)
    if "decoding" in _PARTS.value:
        # An untrained model hardly ever ends a sentence, so both sides take all steps.
        model = gnmt.GNMT(_VOCABULARY.value, _UNITS.value, _LAYERS.value)
        _report(_interleave({f"beam of {width}": _search(source, width, model) for width in (4, 1)}), source.size)
    figures.write()


if __name__ == "__main__":
    app.run(main)
