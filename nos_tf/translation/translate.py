"""Translates text: lists of lines, and streams of lines as they arrive."""

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

    The translation of an empty line, or of one without subwords, is empty. A line with more than `max_length` subwords
    is split into pieces, between words if possible; their translations are joined by spaces.

    Args:
      model: A trained model, such as `GNMT`; its weights may change between calls.
      subwords: Subword model that it was trained with.
      width: Beam width; 1 for greedy search.
      alpha: Strength of the length normalization.
      beta: Strength of the coverage penalty.
      batch_size: Sentences that are translated together.
      max_length: Maximum number of subwords that are translated in one piece. For a source of n tokens, a translation
        has at most 2n + 10 tokens, including the ends of sentences.
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
        """Returns the translation of each line, in order."""
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
            parts[index] += text.splitlines()  # A subword may contain a line break, but a translation is one line.
        return [" ".join(texts) for texts in parts]

    def pieces(self, line: str) -> int:
        """Returns the number of pieces in which a line is translated."""
        return len(self._subwords.split(self._subwords.encode([line])[0], self._max_length))


def translate_stream(translator: Translator, lines: BinaryIO, output: BinaryIO, warn: Callable[[str], None]) -> int:
    """Writes the translation of each line, in order, and flushes before it waits for more input.

    Only line feeds end lines; carriage returns before them are dropped. Bytes that are not UTF-8 are read as U+FFFD.

    Args:
      translator: Translates the lines.
      lines: UTF-8 text.
      output: Receives the translations in UTF-8, one per line.
      warn: Receives a message for each line that is not UTF-8 or is too long for one piece.

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
    """Yields the lines that are available without waiting, at least one and at most `most` at a time."""
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
