"""WMT 2014's translation data, as parallel text."""

from __future__ import annotations

from nos_tf.common.errors import RunError
from nos_tf.datasets.parallel_text import ParallelText
from nos_tf.datasets.prepared import builder, load_split

LANGUAGES = ("cs", "de", "fr", "hi", "ru")  # Each is paired with English.
_ALL_PAIRS = {"de-en": 4_508_785}


def load(split: str, source: str = "en", target: str = "de", data_dir: str | None = None) -> ParallelText:
    """Loads a split of `wmt14_translate`.

    Args:
      split: `"train"`, `"validation"` or `"test"`, or a part such as `"train[:1000]"`.
      source: Language to translate from.
      target: Language to translate into; one of the two is `"en"`.
      data_dir: TensorFlow Datasets folder; None for its default.

    Raises:
      RunError: WMT 2014 does not have this pair of languages.
      PreparedDataError: The data is not in the folder and cannot be downloaded to it.
    """
    data = load_split(f"wmt14_translate/{_pair(source, target)}", split, data_dir)
    return ParallelText(*([line.decode() for line in data[language]] for language in (source, target)))


def label(source: str = "en", target: str = "de", data_dir: str | None = None) -> str:
    """Describes the data in the folder: all of WMT 2014, or the number of training pairs from it.

    Raises:
      RunError: WMT 2014 does not have this pair of languages.
      PreparedDataError: The data is not in the folder and cannot be downloaded to it.
    """
    pair = _pair(source, target)
    pairs = size("train", source, target, data_dir)
    name = f"WMT 2014 {source}-{target}"
    return name if pairs == _ALL_PAIRS.get(pair) else f"{pairs:,} training pairs of {name}"


def size(split: str, source: str = "en", target: str = "de", data_dir: str | None = None) -> int:
    """Number of sentence pairs in a split or a part of one; see `load`.

    Raises:
      RunError: WMT 2014 does not have this pair of languages.
      ValueError: There is no such split.
      PreparedDataError: The data is not in the folder and cannot be downloaded to it.
    """
    return builder(f"wmt14_translate/{_pair(source, target)}", data_dir).info.splits[split].num_examples


def _pair(source: str, target: str) -> str:
    foreign = {source, target} - {"en"}
    if len({source, target}) != 2 or len(foreign) != 1 or not foreign <= set(LANGUAGES):
        raise RunError(
            f"WMT 2014 pairs English (en) with one of {', '.join(LANGUAGES)}; choose two such languages, or give "
            f"your own text files. Received: {source} to {target}"
        )
    return f"{foreign.pop()}-en"
