"""Flags that define the trainings of the translation script, and the objects that their values describe."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from nos_tf.cli import path_flags
from nos_tf.common.errors import DataWarning, RunError

if TYPE_CHECKING:
    from nos_tf.datasets.parallel_text import ParallelText
    from nos_tf.models.gnmt import GNMT
    from nos_tf.translation.batches import Pairs
    from nos_tf.translation.subwords import Subwords

NAME = "wmt14_gnmt"
SUBWORDS = "subwords.model"
SEARCH = {"beam_width": "width", "alpha": "alpha", "beta": "beta"}  # Arguments of `Translator` by flag.
_WHOLE_SENTENCE = 100  # Subwords.
_WHOLE = {"train": "train", "valid": "validation", "test": "test"}  # Splits of WMT 2014 by prefix of the flags.
_USES = {"train": "train on", "valid": "choose learning rates with", "test": "test on"}
_SPLITS = {"train": "train", "val": "valid", "test": "test"}  # Prefixes of the flags by name in the results.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_string("source_language", "en", "Language of WMT 2014 to translate from.")
    flags.DEFINE_string("target_language", "de", "Language of WMT 2014 to translate into; one of the two is en.")
    for name, split in _WHOLE.items():
        flags.DEFINE_string(f"{name}_split", split, f"Part of WMT 2014 to {_USES[name]}, such as {split}[:200].")
        path_flags.define(f"{name}_src", None, f"Your own text to {_USES[name]} instead, one sentence per line.")
        path_flags.define(f"{name}_tgt", None, f"Translations of --{name}_src, line by line.")
    flags.DEFINE_integer("vocabulary", 32000, "Number of subwords to learn from the training text.", lower_bound=8)
    path_flags.define("subwords", None, "SentencePiece model to use instead, with pad 0, unk 1, bos 2, eos 3.")
    flags.DEFINE_integer("max_length", 50, "Maximum subwords per side of a training pair.", lower_bound=1)
    flags.DEFINE_integer("layers", 8, "Layers in the encoder and in the decoder.", lower_bound=2)
    flags.DEFINE_integer("units", 1024, "Units per layer, and size of the embeddings.", lower_bound=1)
    flags.DEFINE_float("dropout", 0.2, "Dropout rate at the inputs of every layer.", 0.0, 0.999)
    flags.DEFINE_float("label_smoothing", 0.1, "Share of the target spread evenly over all subwords.", 0.0, 0.999)
    flags.DEFINE_float(
        "init_scale",
        None,
        "Bound of the uniform initial weights, 0.04 in GNMT's own paper; by default wider the fewer the units.",
        lower_bound=0,
    )
    flags.DEFINE_integer("beam_width", 4, "Beam width for translation; 1 for greedy search.", lower_bound=1)
    flags.DEFINE_float("alpha", 0.6, "Strength of the length normalization for translation.", lower_bound=0.0)
    flags.DEFINE_float("beta", 0.0, "Strength of the coverage penalty for translation.", lower_bound=0.0)


def texts(values: Mapping[str, Any], splits: tuple[str, ...] = tuple(_SPLITS)) -> dict[str, ParallelText]:
    """Loads the texts selected by the flags.

    Args:
      values: Values of all flags.
      splits: Names of the texts in the results.

    Returns:
      Texts by name. If the user's own texts are used, the test text is optional.

    Raises:
      RunError: A text is missing, is empty or cannot be read.
    """
    from nos_tf.datasets import parallel_text, wmt14
    from nos_tf.datasets.prepared import PreparedDataError

    found = {}
    for split in splits:
        flag = _SPLITS[split]
        try:
            if not _is_own(values):
                languages = values["source_language"], values["target_language"]
                found[split] = wmt14.load(values[f"{flag}_split"], *languages, values["data_dir"])
            elif paths := _paths(values, flag):
                found[split] = parallel_text.load(*paths)
        except PreparedDataError as error:
            raise RunError(str(error)) from None
        except ValueError as error:  # TensorFlow Datasets lists the known splits.
            raise RunError(f"{error} Received: --{flag}_split={values[f'{flag}_split']}") from None
        if split in found and not found[split].source:
            raise RunError(f"There is no sentence to {_USES[flag]}. Received: an empty text")
    return found


def training_pairs(values: Mapping[str, Any], text: ParallelText, subwords: Subwords) -> Pairs:
    """Encodes the pairs that are short enough to train on; warns if most of them are not."""
    from nos_tf.translation.batches import Pairs

    pairs = Pairs.encode(text, subwords).within(values["max_length"])
    left_out = len(text.source) - len(pairs.source)
    if left_out > len(pairs.source):
        message = f"{left_out:,} of {len(text.source):,} pairs are not trained on, because a side is empty or too long"
        warnings.warn(f"{message} for --max_length={values['max_length']}", DataWarning, stacklevel=2)
    return pairs


def _is_own(values: Mapping[str, Any]) -> bool:
    return any(values[f"{flag}_{side}"] is not None for flag in _SPLITS.values() for side in ("src", "tgt"))


def require_pairs(values: Mapping[str, Any]) -> None:
    """Checks that the user's own texts, if any, are complete.

    Raises:
      RunError: A flag is missing; the message names it.
    """
    if not _is_own(values):
        return
    for flag in _SPLITS.values():
        if not _paths(values, flag) and flag != "test":
            raise RunError(
                f"Your own texts need --train_src, --train_tgt, --valid_src and --valid_tgt. Received: no --{flag}_src"
            )


def _paths(values: Mapping[str, Any], flag: str) -> list[str]:
    """Returns the files of a text and its translations, or an empty list if there is no such text."""
    paths = {f"--{flag}_{side}": values[f"{flag}_{side}"] for side in ("src", "tgt")}
    missing = [name for name, path in paths.items() if path is None]
    if len(missing) == 1:
        raise RunError(f"A text and its translations must be given together. Received: no {missing[0]}")
    return [] if missing else list(paths.values())


def label(values: Mapping[str, Any]) -> str:
    """Describes the texts, for display with the results."""
    from nos_tf.datasets import wmt14

    if _is_own(values):
        return f"{Path(values['train_src']).name} and {Path(values['train_tgt']).name}"
    name = wmt14.label(values["source_language"], values["target_language"], values["data_dir"])
    used = [values[f"{flag}_split"] for flag in _SPLITS.values()]
    return name if used == list(_WHOLE.values()) else f"{name} ({', '.join(used)})"


def subwords(values: Mapping[str, Any], text: ParallelText) -> Subwords:
    """Loads the given subword model or that of the resumed run, or else learns one from the training text.

    Raises:
      RunError: The model cannot be read or learned.
    """
    from nos_tf.translation.subwords import Subwords

    if values["subwords"] is not None:
        return Subwords.load(Path(values["subwords"]))
    kept = Path(values["run_dir"] or "", SUBWORDS)
    if values["resume"] and kept.exists():
        return Subwords.load(kept)
    return Subwords.train(chain(text.source, text.target), values["vocabulary"])


def model(values: Mapping[str, Any], subwords: Subwords, seed: int) -> GNMT:
    """Builds a model with new weights."""
    from nos_tf.models.gnmt import GNMT

    sizes = values["units"], values["layers"], values["dropout"], values["init_scale"]
    return GNMT(subwords.vocabulary_size, *sizes, seed)


def search(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `Translator`."""
    # Sentences longer than those in training are split, but moderately long ones are better translated as a whole.
    max_length = max(_WHOLE_SENTENCE, values["max_length"])
    return {argument: values[flag] for flag, argument in SEARCH.items()} | {"max_length": max_length}
