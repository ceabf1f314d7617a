"""The modes of the translation script that use a trained model: evaluation, alignment and translation."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from absl import flags

from experiments.wmt14_gnmt import configuration
from nos_tf.cli import path_flags, shared_flags
from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.common.tensorflow_loading import load_quietly
from nos_tf.training import command

if TYPE_CHECKING:
    from nos_tf.models.gnmt import GNMT
    from nos_tf.translation.subwords import Subwords

_OWN = {"training", "weights"}
_TEXTS = {name: {f"{name}_{kind}" for kind in ("split", "src", "tgt")} | {"data_dir"} for name in ("valid", "test")}
_FIGURE = "attention.png"
_ALIGNED = 4  # Sentence pairs in the figure.
_ALIGNED_LENGTH = 16  # Subwords per side, so that the figure is legible.
# Flags accepted by each mode; the training's values are used for those that are not given.
_TAKES = {
    "evaluate": {"mode", "run_dir", *_OWN, *configuration.SEARCH, *_TEXTS["valid"], *_TEXTS["test"]},
    "align": {"mode", "run_dir", *_OWN, *_TEXTS["valid"]},
    "translate": {"mode", "run_dir", "input", *_OWN, *configuration.SEARCH},
}


def define() -> None:
    """Defines the flags that only these modes accept."""
    path_flags.define("input", None, "Text to translate, one sentence per line: a file, or - for standard input.")
    flags.DEFINE_string(
        "training", None, "Folder in the run's trainings/ whose model is used; by default, the one with the lowest "
        "validation perplexity."
    )  # fmt: skip
    flags.DEFINE_enum("weights", "last", ("last", "averaged"), "Weights to use: the last ones or their averages.")


def check_flags(mode: str) -> None:
    """Checks that the given flags fit the mode and that none is missing.

    Raises:
      RunError: The mode does not accept one of the flags, or needs one that is missing; the message names it.
    """
    own = shared_flags.project_flags()
    takes = _TAKES.get(mode, own.keys() - _OWN - {"input"})
    for name, flag in own.items():
        if flag.present and name not in takes:
            raise RunError(f"--mode={mode} does not accept --{name}; drop it. Received: --{name}={flag.value}")
    if mode == "train":
        configuration.require_pairs(flags.FLAGS.flag_values_dict())
    elif flags.FLAGS.run_dir is None:
        raise RunError(f"Name the folder of the training. Received: --mode={mode} without --run_dir")
    if mode == "translate" and flags.FLAGS.input is None:
        raise RunError(
            "Name the text to translate, or - for standard input. Received: --mode=translate without --input"
        )


def evaluate() -> None:
    """Prints perplexity and BLEU on the validation and test text.

    Raises:
      RunError: The run folder does not contain the training, or a text cannot be read.
    """
    values, subwords, model = _load()
    from nos_tf.datasets import parallel_text
    from nos_tf.translation.batches import evaluation_batches
    from nos_tf.translation.loss import SmoothedCrossEntropy
    from nos_tf.translation.metrics import Perplexity, signature
    from nos_tf.translation.quality import Quality
    from nos_tf.translation.translate import Translator

    texts = configuration.texts(values, ("val", "test"))
    command.check_data(functools.partial(parallel_text.check_texts, texts))
    quality = Quality(texts, subwords, functools.partial(Translator, **configuration.search(values)))
    model.compile(loss=SmoothedCrossEntropy(values["label_smoothing"]), metrics=[Perplexity()])
    scores = quality.measure(model)
    for split, pairs in quality.pairs.items():
        batches = evaluation_batches(pairs, values["batch_size"])
        perplexity = model.evaluate(batches, verbose=0, return_dict=True)["perplexity"]
        count = len(texts[split].source)
        print(f"{split}: {count:,} sentences, perplexity {perplexity:.4f}, BLEU {scores[split]['bleu']:.4f}")
    print(f"BLEU: {signature()}")


def align() -> None:
    """Draws the attention between the first short sentences of the validation text and their translations.

    Raises:
      RunError: The run folder does not contain the training, the text cannot be read, or all its sentences are long.
    """
    values, subwords, model = _load()
    from nos_tf.translation import alignment
    from nos_tf.translation.batches import Pairs

    (text,) = configuration.texts(values, ("val",)).values()
    pairs = Pairs.encode(text, subwords).within(_ALIGNED_LENGTH)
    if not pairs.source:
        raise RunError(
            f"The validation text has no pair of at most {_ALIGNED_LENGTH} subwords per side; choose another one with "
            f"--valid_src and --valid_tgt. Received: {len(text.source)} pairs"
        )
    first = Pairs(*(side[:_ALIGNED] for side in pairs))
    figure = alignment.draw(alignment.align(model, subwords, first))
    path = _training() / _FIGURE
    with run_folder.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
    print(f"Attention: {path}")


def translate(output: BinaryIO) -> None:
    """Writes the translation of each line of the input.

    Args:
      output: Receives the translations, one per line.

    Raises:
      RunError: The run folder does not contain the training, or the input cannot be read.
    """
    path = flags.FLAGS.input
    try:
        lines = sys.stdin.buffer if path == "-" else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise RunError(f"The text cannot be read ({error.strerror}). Received: --input={path}") from None
    with lines:
        values, subwords, model = _load()
        from nos_tf.translation.translate import Translator, translate_stream

        translator = Translator(model, subwords, **configuration.search(values))
        try:
            translate_stream(translator, lines, output, lambda message: print(message, file=sys.stderr, flush=True))
        except BrokenPipeError:  # The reader has closed the pipe; without this, Python would complain again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


def _load() -> tuple[dict[str, Any], Subwords, GNMT]:
    """Loads the flag values, the subword model and the translation model of a training."""
    folder = Path(flags.FLAGS.run_dir)
    config = run_folder.read_json(folder / run_folder.CONFIGURATION)
    stored: Any = config.get("flags")
    own = shared_flags.project_flags()
    complete = isinstance(stored, dict) and stored.keys() >= own.keys()
    if config.get("experiment") != configuration.NAME or not complete:
        raise RunError(f"The folder holds no run of this script. Received: --run_dir={folder}")
    values = stored | {name: flag.value for name, flag in own.items() if flag.present}
    load_quietly()
    from nos_tf.training import files
    from nos_tf.translation.subwords import Subwords

    subwords = Subwords.load(folder / configuration.SUBWORDS)
    try:
        model = configuration.model(values, subwords, seed=0)
    except (TypeError, ValueError) as error:
        raise RunError(f"The configuration of the run is damaged ({error}). Received: --run_dir={folder}") from None
    name = files.AVERAGED if flags.FLAGS.weights == "averaged" else files.LAST
    files.load_weights(model, _training() / name)
    return values, subwords, model


def _training() -> Path:
    """Returns the folder of the selected training."""
    folder = Path(flags.FLAGS.run_dir)
    if flags.FLAGS.training is not None:
        known = sorted(path.name for path in (folder / "trainings").glob("*"))
        if flags.FLAGS.training not in known:
            raise RunError(
                f"The run has no such training; it has {', '.join(known)}. Received: --training={flags.FLAGS.training}"
            )
        return folder / "trainings" / flags.FLAGS.training
    from nos_tf.training.study import read_trainings

    ended = [one for one in read_trainings(folder) if one.status == "ok"]
    if not ended:
        raise RunError(f"No training of the run has finished successfully yet. Received: --run_dir={folder}")
    try:
        return min(ended, key=lambda one: one.metrics["final_val_perplexity"]).folder(folder)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"The results of the run are damaged ({error!r}). Received: --run_dir={folder}") from None
