"""Translates text: lists of lines, and streams of lines as they come."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

import numpy as np

from nos_tf.translation.batches import pad
from nos_tf.translation.beam_search import Decoder, compile_search
from nos_tf.translation.subwords import END, Subwords


class Translator:
    """Translates lines with a trained model.

    An empty line, or one without any known character, has an empty translation. A line of more than `max_length`
    sub-words is cut into pieces, between words where it has any; they are translated one by one and joined by spaces.

    Args:
      model: A trained `GNMT`; its weights may change between calls.
      subwords: The sub-words that it was trained on.
      width: Number of beams; 1 is greedy search.
      alpha: Strength of length normalization.
      beta: Strength of the coverage penalty.
      batch_size: Sentences that are translated together.
      max_length: Greatest number of sub-words that are translated in one piece. A translation has at most twice as
        many sub-words as its source, and ten more.
    """

    def __init__(
        self,
        model: Decoder,
        subwords: Subwords,
        width: int = 4,
        alpha: float = 0.6,
        beta: float = 0.0,
        batch_size: int = 32,
        max_length: int = 100,
    ):
        self.batch_size = batch_size
        self._max_length = max_length
        self._subwords = subwords
        self._search = compile_search(model, width, alpha, beta)

    def translate(self, lines: Sequence[str]) -> list[str]:
        """The translation of each line, in order."""
        pieces = [
            (index, piece)
            for index, ids in enumerate(self._subwords.encode(lines))
            for piece in self._subwords.split(ids, self._max_length)
            if len(piece)
        ]
        order = sorted(range(len(pieces)), key=lambda n: len(pieces[n][1]))
        translated = [""] * len(pieces)
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            sources = [np.append(pieces[n][1], np.int32(END)) for n in chosen]
            max_lengths = np.array([2 * len(source) + 10 for source in sources], np.int32)
            tokens = self._search(pad(sources), max_lengths).tokens[:, 0].numpy()
            for n, ids in zip(chosen, tokens, strict=True):
                translated[n] = self._subwords.decode(ids)
        parts: list[list[str]] = [[] for _ in lines]
        for (index, _), text in zip(pieces, translated, strict=True):
            parts[index] += text.splitlines()  # One line stays one line, whatever the sub-words hold.
        return [" ".join(texts) for texts in parts]

    def pieces(self, line: str) -> int:
        """Into how many pieces a line is cut."""
        return len(self._subwords.split(self._subwords.encode([line])[0], self._max_length))


def translate_stream(translator: Translator, lines: BinaryIO, output: BinaryIO, warn: Callable[[str], None]) -> int:
    """Writes one line for each line read, in order, and flushes whenever it would have to wait for more.

    Only line feeds end lines, and a carriage return before one is dropped. Bytes that are no UTF-8 are read as U+FFFD.

    Args:
      translator: What translates.
      lines: UTF-8 text.
      output: Gets the translations in UTF-8.
      warn: Gets a message for each line that is not UTF-8, or too long for one piece.

    Returns:
      Number of lines.
    """
    number = 0
    for batch in _available(lines, translator.batch_size):
        texts = []
        for raw in batch:
            number += 1
            raw = raw.rstrip(b"\r\n")
            texts.append(raw.decode(errors="replace"))
            if texts[-1].encode() != raw:
                warn(f"Line {number} is not UTF-8: its invalid bytes are read as U+FFFD.")
            if (pieces := translator.pieces(texts[-1])) > 1:
                warn(f"Line {number} is long: it is translated in {pieces} pieces.")
        for text in translator.translate(texts):
            output.write(text.encode() + b"\n")
        output.flush()
    return number


def _available(lines: Iterable[bytes], most: int) -> Iterator[list[bytes]]:
    """Lines in batches: those that can be had without waiting, at least one and at most `most`."""
    waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(4 * most)

    def read() -> None:
        try:
            for line in lines:
                waiting.put(line)
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=read, daemon=True).start()
    ended: bytes | BaseException | None = b""
    while isinstance(ended, bytes):
        ended = waiting.get()
        batch = []
        while isinstance(ended, bytes):
            batch.append(ended)
            if len(batch) == most or waiting.empty():
                break
            ended = waiting.get()
        if batch:
            yield batch
    if ended is not None:
        raise ended
