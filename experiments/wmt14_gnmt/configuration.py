"""Flags that say what is trained by the translation script, and what their values stand for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from nos_tf.common.errors import DataWarning, RunError

if TYPE_CHECKING:
    from nos_tf.datasets.parallel_text import ParallelText
    from nos_tf.models.gnmt import GNMT
    from nos_tf.translation.batches import Pairs
    from nos_tf.translation.subwords import Subwords

NAME = "wmt14_gnmt"
SUBWORDS = "subwords.model"
SEARCH = {"beam_width": "width", "alpha": "alpha", "beta": "beta"}  # Flags, and the arguments of `Translator`.
_WHOLE_SENTENCE = 100  # Sub-words.
_WHOLE = {"train": "train", "valid": "validation", "test": "test"}  # Beginnings of flags, and splits of WMT 2014.
_USES = {"train": "train on", "valid": "choose learning rates by", "test": "test on"}
_SPLITS = {"train": "train", "val": "valid", "test": "test"}  # Names in results, and beginnings of flags.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_string("source_language", "en", "Language of WMT 2014 to translate from.")
    flags.DEFINE_string("target_language", "de", "Language of WMT 2014 to translate into; one of the two is en.")
    for name, split in _WHOLE.items():
        flags.DEFINE_string(f"{name}_split", split, f"Part of WMT 2014 to {_USES[name]}, as {split}[:200].")
        flags.DEFINE_string(f"{name}_src", None, f"Text of your own to {_USES[name]} instead: a sentence a line.")
        flags.DEFINE_string(f"{name}_tgt", None, f"The translations of --{name}_src, line by line.")
    flags.DEFINE_integer("vocabulary", 32000, "Sub-words, learned from the training text.", lower_bound=8)
    flags.DEFINE_string("subwords", None, "A sentencepiece model to use instead, with pad 0, unk 1, bos 2, eos 3.")
    flags.DEFINE_integer("max_length", 50, "Pairs with more sub-words on a side are not trained on.", lower_bound=1)
    flags.DEFINE_integer("layers", 8, "Layers of the encoder and of the decoder.", lower_bound=2)
    flags.DEFINE_integer("units", 1024, "Units of each layer and of the embeddings.", lower_bound=1)
    flags.DEFINE_float("dropout", 0.2, "Rate at the inputs of every layer.", 0.0, 0.999)
    flags.DEFINE_float("label_smoothing", 0.1, "Share of the target that all sub-words get in equal parts.", 0.0, 0.999)
    flags.DEFINE_float(
        "init_scale", None, "Bound of the uniform initial weights; by default 0.04 * sqrt(1024 / units).", lower_bound=0
    )
    flags.DEFINE_integer("beam_width", 4, "Beams of a translation; 1 is greedy search.", lower_bound=1)
    flags.DEFINE_float("alpha", 0.6, "Strength of a translation's length normalization.", lower_bound=0.0)
    flags.DEFINE_float("beta", 0.0, "Strength of a translation's coverage penalty.", lower_bound=0.0)


def texts(values: Mapping[str, Any], splits: tuple[str, ...] = tuple(_SPLITS)) -> dict[str, ParallelText]:
    """The texts of some splits that the flags ask for; a test text of one's own may be missing.

    Raises:
      RunError: A text is missing, empty or cannot be read.
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
        except ValueError as error:  # Of TensorFlow Datasets, which lists the splits that there are.
            raise RunError(f"{error} Received: --{flag}_split={values[f'{flag}_split']}") from None
        if split in found and not found[split].source:
            raise RunError(f"There is no sentence to {_USES[flag]}. Received: an empty text")
    return found


def training_pairs(values: Mapping[str, Any], text: ParallelText, subwords: Subwords) -> Pairs:
    """The pairs that are short enough to be trained on; warns if few are."""
    from nos_tf.translation.batches import Pairs

    pairs = Pairs.encode(text, subwords).within(values["max_length"])
    left_out = len(text.source) - len(pairs.source)
    if left_out > len(pairs.source):
        message = f"{left_out:,} of {len(text.source):,} pairs are not trained on: a side is empty, or too long"
        warnings.warn(f"{message} for --max_length={values['max_length']}", DataWarning, stacklevel=2)
    return pairs


def _is_own(values: Mapping[str, Any]) -> bool:
    return any(values[f"{flag}_{side}"] is not None for flag in _SPLITS.values() for side in ("src", "tgt"))


def require_pairs(values: Mapping[str, Any]) -> None:
    """Refuses texts of one's own that are not in pairs, or not enough of them.

    Raises:
      RunError: It names the flag that is missing.
    """
    if not _is_own(values):
        return
    for flag in _SPLITS.values():
        if not _paths(values, flag) and flag != "test":
            raise RunError(
                "Texts of your own need --train_src, --train_tgt, --valid_src and --valid_tgt. "
                f"Received: no --{flag}_src"
            )


def _paths(values: Mapping[str, Any], flag: str) -> list[str]:
    """Files of a text and of its translations, or none."""
    paths = {f"--{flag}_{side}": values[f"{flag}_{side}"] for side in ("src", "tgt")}
    missing = [name for name, path in paths.items() if path is None]
    if len(missing) == 1:
        raise RunError(f"A text needs its translations, and the other way round. Received: no {missing[0]}")
    return [] if missing else list(paths.values())


def label(values: Mapping[str, Any]) -> str:
    """What the texts are, in words that are shown beside every result."""
    from nos_tf.datasets import wmt14

    if _is_own(values):
        return f"{Path(values['train_src']).name} and {Path(values['train_tgt']).name}"
    name = wmt14.label(values["source_language"], values["target_language"], values["data_dir"])
    used = [values[f"{flag}_split"] for flag in _SPLITS.values()]
    return name if used == list(_WHOLE.values()) else f"{name} ({', '.join(used)})"


def subwords(values: Mapping[str, Any], text: ParallelText) -> Subwords:
    """The given sub-words, those of the run that is resumed, or new ones from the training text.

    Raises:
      RunError: They cannot be read or learned.
    """
    from nos_tf.translation.subwords import Subwords

    if values["subwords"] is not None:
        return Subwords.load(Path(values["subwords"]))
    kept = Path(values["run_dir"] or "", SUBWORDS)
    if values["resume"] and kept.exists():
        return Subwords.load(kept)
    return Subwords.train(chain(text.source, text.target), values["vocabulary"])


def model(values: Mapping[str, Any], subwords: Subwords, seed: int) -> GNMT:
    """A network with new weights."""
    from nos_tf.models.gnmt import GNMT

    sizes = values["units"], values["layers"], values["dropout"], values["init_scale"]
    return GNMT(subwords.vocabulary_size, *sizes, seed)


def search(values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `Translator`."""
    # A sentence is cut where the training knew none so long, but one that is a little longer is better off whole.
    max_length = max(_WHOLE_SENTENCE, values["max_length"])
    return {argument: values[flag] for flag, argument in SEARCH.items()} | {"max_length": max_length}
