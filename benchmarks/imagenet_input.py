"""Times the ImageNet input pipeline against plain decoding, and how long a training step waits for it.

    python -m benchmarks.imagenet_input --data_dir=~/tensorflow_datasets --json=/tmp/imagenet_input.json

Rates: all pipelines read the same files and are timed alternately (A B C A B C ...), so that other load on the machine
affects all of them. Waiting: a model trains alternately on the pipeline's batches and on one fixed batch; the time
spent getting each batch is measured separately from the step.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from absl import app, flags

from benchmarks import figures
from nos_tf.datasets.imagenet import CLASSES, ImageNet
from nos_tf.models import heads, mobile

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder with prepared TensorFlow Datasets.")
_SIZE = flags.DEFINE_integer("image_size", 224, "Height and width of images in pixels.", lower_bound=32)
_BATCH = flags.DEFINE_integer("batch_size", 50, "Images per step.", lower_bound=1)
_MODEL = flags.DEFINE_enum("model", "mobilenet_v3_small", tuple(mobile.MODELS), "Model to train.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Timings of each side.", lower_bound=3)
_BATCHES = flags.DEFINE_integer("batches", 35, "Batches per timing.", lower_bound=2)


def _records(data: ImageNet) -> tf.data.Dataset:
    paths = [path for path, *_ in data.train.files]
    return tf.data.TFRecordDataset(paths).repeat()


def _sides(data: ImageNet, size: int, batch_size: int) -> dict[str, tf.data.Dataset]:
    """Pipelines in which every element corresponds to one batch."""

    def decoded(record: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_jpeg(data.read(record)["image"], channels=3)[0, 0]

    return {
        "reading alone": _records(data).batch(batch_size).prefetch(tf.data.AUTOTUNE),
        "decoding alone": _records(data)
        .map(decoded, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE),
        "training input": data.batches(batch_size, size, True, 0, 0),
        "training input, middle of each image": data.batches(batch_size, size, False, 0, 0),
    }


def _seconds(stream: tf.data.Dataset, count: int) -> float:
    """Times some batches after the first one, with a new iterator, because an old one would have full buffers."""
    batches = iter(stream)
    next(batches)
    started = time.perf_counter()
    for _ in range(count):
        next(batches)
    return time.perf_counter() - started


def _waiting(step: Callable[[Any], Any], stream: Iterator[Any], count: int) -> tuple[float, float]:
    """Returns the mean seconds per step, and how many of them were spent waiting for the batch."""
    waited, started = 0.0, time.perf_counter()
    for _ in range(count):
        before = time.perf_counter()
        batch = next(stream)
        waited += time.perf_counter() - before
        step(batch)
    return (time.perf_counter() - started) / count, waited / count


def main(_: object) -> None:
    size, batch_size, count = _SIZE.value, _BATCH.value, _BATCHES.value
    data = ImageNet.load(_DATA_DIR.value)
    print(f"Data: {data.label}. {size}x{size}, batches of {batch_size}.\n")
    streams = _sides(data, size, batch_size)
    rates: dict[str, list[float]] = {name: [] for name in streams}
    for _ in range(_ROUNDS.value):
        for name, pipeline in streams.items():
            rates[name].append(count * batch_size / _seconds(pipeline, count))
    baseline = rates["decoding alone"]
    print("| pipeline | images per second | share of decoding alone |\n| --- | --- | --- |")
    for name, values in rates.items():
        share = statistics.median(value / base for value, base in zip(values, baseline, strict=True))
        figures.record(f"{name}: images per second", statistics.median(values))
        figures.record(f"{name}: share of decoding alone", share)
        print(f"| {name} | {statistics.median(values):.0f} | {share:.2f} |")

    model = mobile.build(_MODEL.value, size, CLASSES)
    model.compile(tf.keras.optimizers.SGD(0.01), heads.HeadsCrossEntropy([1.0]), jit_compile=False)
    real = iter(data.batches(batch_size, size, True, 0, 0))
    batch = next(real)

    def step(batch: Any) -> None:
        model.train_on_batch(*batch)

    step(batch)
    sides: dict[str, Iterator[Any]] = {"the pipeline": real, "one batch again and again": itertools.repeat(batch)}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(_ROUNDS.value):
        for name, stream in sides.items():
            times[name].append(_waiting(step, stream, count))
    print(f"\n| {_MODEL.value} trains on | seconds a step | waiting for its batch |\n| --- | --- | --- |")
    for name, pairs in times.items():
        whole, waited = (statistics.median(column) for column in zip(*pairs, strict=True))
        figures.record(f"step on {name}: seconds", whole)
        figures.record(f"step on {name}: seconds waiting", waited)
        print(f"| {name} | {whole:.4f} | {waited:.4f} ({waited / whole:.1%}) |")
    figures.write()


if __name__ == "__main__":
    app.run(main)
