"""Quality of a trained model: perplexity and BLEU on evaluation texts, and sample translations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from nos_tf.common.text import markdown_escaped, markdown_table
from nos_tf.datasets.parallel_text import ParallelText
from nos_tf.translation.batches import Pairs
from nos_tf.translation.beam_search import Decoder
from nos_tf.translation.metrics import bleu
from nos_tf.translation.subwords import Subwords
from nos_tf.translation.translate import Translator

_SAMPLES = 5


class Quality:
    """Evaluates models on fixed texts.

    Args:
      texts: Evaluation texts by name, such as "val" and "test".
      subwords: Subword model that the models were trained with.
      make_translator: Function that creates a translator from a model and its subword model.

    Attributes:
      pairs: Pairs of each text without an empty side, for perplexity; BLEU is computed on all pairs.
    """

    def __init__(
        self,
        texts: Mapping[str, ParallelText],
        subwords: Subwords,
        make_translator: Callable[[Decoder, Subwords], Translator],
    ):
        self._texts = texts
        self._subwords = subwords
        self._make_translator = make_translator
        self._translator: tuple[Decoder, Translator] | None = None
        self.pairs = {name: Pairs.encode(text, subwords).within(math.inf) for name, text in texts.items()}

    def measure(self, model: Decoder) -> dict[str, dict[str, float]]:
        """Translates each text, and returns its BLEU as `{name: {"bleu": score}}`."""
        translator = self._translate_with(model)
        return {
            name: {"bleu": bleu(translator.translate(text.source), text.target).score}
            for name, text in self._texts.items()
        }

    def _translate_with(self, model: Decoder) -> Translator:
        """Returns the translator of a model, which is reused so that its graph is traced only once."""
        if self._translator is None or self._translator[0] is not model:
            self._translator = model, self._make_translator(model, self._subwords)
        return self._translator[1]

    def samples(self, model: Decoder) -> str:
        """Returns a Markdown table with the first lines of the first text, their translations and their references."""
        text = next(iter(self._texts.values()))
        sources, references = text.source[:_SAMPLES], text.target[:_SAMPLES]
        translations = self._translate_with(model).translate(sources)
        rows = zip(sources, translations, references, strict=True)
        return markdown_table(
            ("source", "translation", "reference"), [[markdown_escaped(cell) for cell in row] for row in rows]
        )
