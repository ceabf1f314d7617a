"""GNMT on WMT'14 English-German: python -m experiments.wmt14_gnmt --data_dir=~/tensorflow_datasets"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from experiments.wmt14_gnmt import configuration, inference
from nos_tf.cli import application
from nos_tf.training import command

if TYPE_CHECKING:
    from nos_tf.training.experiment import Experiment

_METRICS = ("perplexity", "val_perplexity", "val_bleu", "test_bleu", "val_ema_bleu", "test_ema_bleu")
_COLUMNS = tuple(f"final_{name}" for name in _METRICS)
_PLOTTED = ("perplexity", "val_perplexity")


def main() -> NoReturn:
    """Trains GNMT (the paper's section 5.4), or uses a trained model, and exits."""
    _define()
    application.run(_main, "Interrupted. The training is saved; rerun the same command with --resume to continue.")


def _define() -> None:
    # Batch size, clipping, dropout and length follow GNMT's own recipe: 340,000 steps of 128 pairs.
    command.define(("adam", "powersign"), epochs=10, batch_size=128, clip_norm=5.0)
    command.define_averages()
    configuration.define()
    inference.define()
    flags.DEFINE_enum(
        "mode", "train", ("train", "evaluate", "align", "translate"),
        "Train a model, or use one from --run_dir: evaluate it on the validation and test text, draw its attention on "
        "validation sentences, or translate --input.",
    )  # fmt: skip


def _main() -> None:
    mode = flags.FLAGS.mode
    inference.check_flags(mode)
    if mode == "evaluate":
        inference.evaluate()
    elif mode == "align":
        inference.align()
    elif mode == "translate":
        inference.translate(sys.stdout.buffer)
    else:
        command.run(configuration.NAME, _experiment, _COLUMNS, _PLOTTED)


def _experiment(values: Mapping[str, Any]) -> Experiment:
    import tensorflow as tf

    from nos_tf.datasets import parallel_text
    from nos_tf.training.experiment import Experiment
    from nos_tf.training.runtime import Runtime
    from nos_tf.translation.batches import TrainingBatches, evaluation_batches
    from nos_tf.translation.loss import SmoothedCrossEntropy
    from nos_tf.translation.metrics import Perplexity, signature, unigram_perplexity
    from nos_tf.translation.quality import Quality
    from nos_tf.translation.translate import Translator

    texts = configuration.texts(values)
    command.check_data(functools.partial(parallel_text.check_texts, texts))
    text = texts.pop("train")
    subwords = configuration.subwords(values, text)
    pairs = configuration.training_pairs(values, text, subwords)
    batch_size = values["batch_size"]
    steps = command.steps_per_epoch(len(pairs.source), batch_size)
    replicas = Runtime(values["strategy"]).distribute_strategy.num_replicas_in_sync
    quality = Quality(texts, subwords, functools.partial(Translator, **configuration.search(values)))

    def batches(seed: int, first_step: int) -> tf.data.Dataset:
        return TrainingBatches(pairs, batch_size, seed).batches(first_step)

    def host_batches(seed: int, first_step: int, host: tf.distribute.InputContext) -> tf.data.Dataset:
        shard = TrainingBatches(pairs, batch_size, seed, host.num_input_pipelines, host.input_pipeline_id)
        parts = host.num_replicas_in_sync // host.num_input_pipelines

        def split(ids: tf.Tensor) -> tf.Tensor:
            return tf.reshape(ids, [parts, -1, tf.shape(ids)[1]])

        return shard.batches(first_step).flat_map(
            lambda *batch: tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(split, batch))
        )

    return Experiment(
        name=configuration.NAME,
        dataset=configuration.label(values),
        scale={
            **{key: values[key] for key in ("layers", "units", "epochs", "batch_size", "schedule")},
            "vocabulary": subwords.vocabulary_size,  # Differs from the flag if a subword model is given.
            "steps": steps * values["epochs"],
            "train_examples": len(text.source),
            **{f"{split}_examples": len(text.source) for split, text in texts.items()},
            "unigram_perplexity": round(unigram_perplexity(pairs.target, subwords.vocabulary_size), 2),
            **{key: values[key] for key in ("max_length", *configuration.SEARCH)},
            "bleu": signature(),
        },
        build_model=functools.partial(configuration.model, values, subwords),
        loss=lambda: SmoothedCrossEntropy(values["label_smoothing"]),
        metrics=lambda: [Perplexity()],
        batches=batches,
        host_batches=host_batches,
        evaluations={split: evaluation_batches(each, batch_size, replicas) for split, each in quality.pairs.items()},
        loss_terms={name: each.target_length() for name, each in {"train": pairs, **quality.pairs}.items()},
        objective="val_perplexity",
        maximize=False,
        steps_per_epoch=steps,
        epochs=values["epochs"],
        examples_per_step=batch_size * pairs.tokens() // len(pairs.source),
        unit="subwords",
        measure=quality.measure,
        samples=quality.samples,
        files={configuration.SUBWORDS: subwords.model},
    )


if __name__ == "__main__":
    main()
