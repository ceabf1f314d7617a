"""Times one optimizer step of generated rules against TensorFlow's fused kernels and Keras' Adam.

    python -m benchmarks.optimizer_step --json=/tmp/optimizer_step.json

Both sides of a pair see the same gradients in the same kind of `tf.function` and are timed alternately (A B A B ...),
so that other load on the machine affects both. Prints a Markdown table with the median time of each side, the median
and quartiles of their pairwise ratios, and the size of the slots in bytes. Also times the first training step of a
network with many small weights, including building and tracing, and sparse gradients of an embedding.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks import figures, ratios
from nos_tf import optimizers

_WEIGHTS = flags.DEFINE_list("weights", ["1000000", "25000000"], "Numbers of weights to update per step.")
_TENSORS = flags.DEFINE_list("tensors", ["1", "200"], "Numbers of tensors of equal size that hold the weights.")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Pairs of timings per comparison.", lower_bound=3)
_SECONDS = flags.DEFINE_float("seconds", 0.2, "Minimum length of a timing; steps are repeated to reach it.")

_SMALL_WEIGHTS = flags.DEFINE_integer("small_weights", 300, "Number of small weights in the first-step benchmark.")
_PARTS = flags.DEFINE_list("parts", ["steps", "first", "sparse"], "What to time.")

_LEARNING_RATE = 1e-4
_STOCHASTIC = "clip(adam, 1e-4) - drop(m, 0.3)"
_EMBEDDING, _LOOKED_UP = (1_000_000, 16), 4_096

Step = Callable[[], None]
Contender = Callable[[Sequence[tf.Variable], Sequence[tf.Tensor]], tuple[Step, int]]


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One comparison.

    Attributes:
      rule: Rule from which the optimizer is generated.
      baseline: Baseline, and whether it is compiled with XLA.
      weights: Number of weights.
      tensors: Number of tensors that hold them.
      xla: Whether the generated step is compiled with XLA.
      seconds: Median time of a generated step.
      baseline_seconds: Median time of a baseline step.
      ratio: Median of the pairwise ratios, generated over baseline.
      quartiles: Lower and upper quartile of these ratios.
      slot_bytes: Bytes of the generated optimizer's slots.
      baseline_slot_bytes: Bytes of the baseline's slots.
    """

    rule: str
    baseline: str
    weights: int
    tensors: int
    xla: bool
    seconds: float
    baseline_seconds: float
    ratio: float
    quartiles: tuple[float, float]
    slot_bytes: int
    baseline_slot_bytes: int


def _keras(make: Callable[[], tf.keras.optimizers.Optimizer]) -> Contender:
    def contender(variables: Sequence[tf.Variable], gradients: Sequence[tf.Tensor]) -> tuple[Step, int]:
        optimizer = make()
        optimizer.build(list(variables))
        slots = [variable for variable in optimizer.variables if len(variable.shape)]

        def step() -> None:
            optimizer.apply_gradients(zip(gradients, variables, strict=True))

        return step, sum(4 * math.prod(slot.shape) for slot in slots)

    return contender


def _fused(kernel: Callable[..., None], **arguments: float) -> Contender:
    def contender(variables: Sequence[tf.Variable], gradients: Sequence[tf.Tensor]) -> tuple[Step, int]:
        averages = [tf.Variable(tf.zeros_like(variable)) for variable in variables]

        def step() -> None:
            for variable, average, gradient in zip(variables, averages, gradients, strict=True):
                kernel(
                    var=variable.handle,
                    m=average.handle,
                    lr=_LEARNING_RATE,
                    sign_decay=1.0,
                    beta=0.9,
                    grad=gradient,
                    **arguments,
                )

        return step, sum(4 * math.prod(average.shape) for average in averages)

    return contender


def _program(text: str) -> Contender:
    return _keras(lambda: optimizers.ProgramOptimizer(text, _LEARNING_RATE))


_FUSED_POWERSIGN = ("fused PowerSign", _fused(tf.raw_ops.ResourceApplyPowerSign, logbase=1.0))
_FUSED_ADDSIGN = ("fused AddSign", _fused(tf.raw_ops.ResourceApplyAddSign, alpha=1.0))
_KERAS_ADAM = ("Keras Adam", _keras(lambda: tf.keras.optimizers.Adam(_LEARNING_RATE)))

_COMPARISONS: tuple[tuple[str, Contender, tuple[str, Contender]], ...] = (
    ("PowerSign", _keras(lambda: optimizers.PowerSign(_LEARNING_RATE)), _FUSED_POWERSIGN),
    ("exp(sign(g) * sign(m)) * g", _program("exp(sign(g) * sign(m)) * g"), _FUSED_POWERSIGN),
    ("AddSign", _keras(lambda: optimizers.AddSign(_LEARNING_RATE)), _FUSED_ADDSIGN),
    ("(1 + sign(g) * sign(m)) * g", _program("(1 + sign(g) * sign(m)) * g"), _FUSED_ADDSIGN),
    ("adam", _program("adam"), _KERAS_ADAM),
)


def _seconds(step: Step, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def _compare(
    rule: str, generated: Contender, baseline: tuple[str, Contender], weights: int, tensors: int, xla: bool, fused: bool
) -> Measurement:
    """Times both sides alternately; `fused` keeps the baseline's own kernel if XLA compiles the generated step."""
    rng = np.random.default_rng(0)
    shape = [weights // tensors]
    gradients = [tf.constant(rng.standard_normal(shape, np.float32)) for _ in range(tensors)]
    steps, slot_bytes = [], []
    for contender, jit_compile in ((generated, xla), (baseline[1], xla and not fused)):
        variables = [tf.Variable(tf.ones(shape)) for _ in range(tensors)]
        step, size = contender(variables, gradients)
        steps.append(tf.function(step, jit_compile=jit_compile))
        slot_bytes.append(size)
    for step in steps:
        _seconds(step, repeats=2)
    repeats = max(1, round(_SECONDS.value / max(_seconds(step, repeats=2) for step in steps)))
    pairs = np.array([[_seconds(step, repeats) for step in steps] for _ in range(_ROUNDS.value)])
    lower, ratio, upper = np.quantile(pairs[:, 0] / pairs[:, 1], [0.25, 0.5, 0.75])
    return Measurement(
        rule=rule,
        baseline=f"{baseline[0]}, {'no XLA' if fused or not xla else 'XLA'}",
        weights=weights,
        tensors=tensors,
        xla=xla,
        seconds=float(np.median(pairs[:, 0])),
        baseline_seconds=float(np.median(pairs[:, 1])),
        ratio=float(ratio),
        quartiles=(float(lower), float(upper)),
        slot_bytes=slot_bytes[0],
        baseline_slot_bytes=slot_bytes[1],
    )


def _first_step(rounds: int) -> None:
    """Times building, tracing and the first step of a stochastic rule with two groups against Keras' Adam."""
    inputs = np.ones([32, 16], np.float32)

    def seconds(make: Callable[[], tf.keras.optimizers.Optimizer]) -> float:
        layers = [tf.keras.layers.Dense(16) for _ in range(_SMALL_WEIGHTS.value // 2)]
        model = tf.keras.Sequential([tf.keras.Input((16,)), *layers])
        model.compile(make(), "mse", jit_compile=False)
        start = time.perf_counter()
        model.train_on_batch(inputs, inputs)
        return time.perf_counter() - start

    def ours() -> tf.keras.optimizers.Optimizer:
        return optimizers.ProgramOptimizer(_STOCHASTIC, _LEARNING_RATE)

    def theirs() -> tf.keras.optimizers.Optimizer:
        return tf.keras.optimizers.Adam(_LEARNING_RATE)

    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    name = f"first step, {_STOCHASTIC} against Keras Adam, {_SMALL_WEIGHTS.value} weights"
    ratios.report(name, *zip(*pairs, strict=True), unit="seconds")


def _sparse(rounds: int) -> None:
    """Times the rule `g` against Keras' SGD on sparse gradients with few rows of a large table."""
    rng = np.random.default_rng(0)
    values = tf.constant(rng.standard_normal([_LOOKED_UP, _EMBEDDING[1]], np.float32))
    gradient = tf.IndexedSlices(values, tf.constant(rng.integers(_EMBEDDING[0], size=_LOOKED_UP)), _EMBEDDING)
    steps = []
    for optimizer in (optimizers.ProgramOptimizer("g", _LEARNING_RATE), tf.keras.optimizers.SGD(_LEARNING_RATE)):
        table = tf.Variable(tf.zeros(_EMBEDDING))
        optimizer.build([table])
        steps.append(tf.function(lambda optimizer=optimizer, table=table: optimizer.apply([gradient], [table])))
    for step in steps:
        _seconds(step, repeats=2)
    repeats = max(1, round(_SECONDS.value / max(_seconds(step, repeats=2) for step in steps)))
    pairs = [[_seconds(step, repeats) for step in steps] for _ in range(rounds)]
    ratios.report("sparse gradients, g against Keras SGD", *zip(*pairs, strict=True), unit="seconds")


def _row(m: Measurement) -> str:
    cells = (
        f"`{m.rule}`",
        f"{m.weights:,}",
        str(m.tensors),
        "on" if m.xla else "off",
        m.baseline,
        f"{1e3 * m.seconds:.2f}",
        f"{1e3 * m.baseline_seconds:.2f}",
        f"{m.ratio:.2f} ({m.quartiles[0]:.2f}-{m.quartiles[1]:.2f})",
        f"{m.slot_bytes:,}",
        f"{m.baseline_slot_bytes:,}",
    )
    return f"| {' | '.join(cells)} |"


def _record(m: Measurement) -> None:
    what = f"{m.rule}, {'XLA' if m.xla else 'no XLA'}, against {m.baseline}, {m.weights} weights, {m.tensors} tensors"
    figures.record(f"{what}: seconds", m.seconds)
    figures.record(f"{what}: baseline seconds", m.baseline_seconds)
    figures.record(f"{what}: ratio", m.ratio)
    figures.record(f"{what}: lower quartile", m.quartiles[0])
    figures.record(f"{what}: upper quartile", m.quartiles[1])
    figures.record(f"{what}: slot bytes", m.slot_bytes)
    figures.record(f"{what}: baseline slot bytes", m.baseline_slot_bytes)


def main(_: Sequence[str]) -> None:
    if "steps" in _PARTS.value:
        _steps()
    if "first" in _PARTS.value:
        _first_step(_ROUNDS.value)
    if "sparse" in _PARTS.value:
        _sparse(_ROUNDS.value)
    figures.write()


def _steps() -> None:
    header = ("generated", "weights", "tensors", "XLA", "baseline", "ms", "baseline ms", "ratio (quartiles)")
    columns = [*header, "slot bytes", "baseline slot bytes"]
    version = importlib.metadata.version("keras")
    print(f"TensorFlow {tf.__version__}, Keras {version}, {_ROUNDS.value} pairs a row\n")
    print(f"| {' | '.join(columns)} |\n| {' | '.join(['---'] * len(columns))} |", flush=True)
    for weights in map(int, _WEIGHTS.value):
        for tensors in map(int, _TENSORS.value):
            for rule, generated, baseline in _COMPARISONS:
                is_kernel = baseline is not _KERAS_ADAM
                for xla, fused in ((False, False), (True, False), *(((True, True),) if is_kernel else ())):
                    measurement = _compare(rule, generated, baseline, weights, tensors, xla, fused)
                    _record(measurement)
                    print(_row(measurement), flush=True)


if __name__ == "__main__":
    app.run(main)
