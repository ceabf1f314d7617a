"""Subwords by SentencePiece, with one vocabulary for both languages."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import sentencepiece

from nos_tf.common.errors import RunError

PAD, UNKNOWN, BEGIN, END = range(4)


class Subwords:
    """A subword model, which converts text to token ids and back.

    The ids 0 to 3 are padding, unknown, beginning of sentence and end of sentence.

    Args:
      model: A serialized SentencePiece model.

    Raises:
      RunError: This is not a SentencePiece model, or it has other ids for these four tokens.
    """

    def __init__(self, model: bytes):
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError:
            raise RunError(f"This is not a SentencePiece model; check the file. Received: {len(model)} bytes") from None
        self.model = model
        processor = self._processor
        ids = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
        if ids != (PAD, UNKNOWN, BEGIN, END):
            raise RunError(
                "The SentencePiece model needs the ids pad 0, unk 1, bos 2, eos 3; train it with --pad_id=0 --unk_id=1 "
                f"--bos_id=2 --eos_id=3. Received: pad {ids[0]}, unk {ids[1]}, bos {ids[2]}, eos {ids[3]}"
            )

    @classmethod
    def load(cls, path: Path) -> Subwords:
        """Reads a model file.

        Raises:
          RunError: The file cannot be read, is not a SentencePiece model, or has other ids for the special tokens.
        """
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise RunError(
                f"The subword model cannot be read ({error.strerror}); check the path. Received: {path}"
            ) from None

    @classmethod
    def train(cls, lines: Iterable[str], vocabulary_size: int, max_lines: int = 10_000_000) -> Subwords:
        """Learns subwords by byte-pair encoding from lines of both languages; the same arguments give the same model.

        Args:
          lines: Text; iterated over once.
          vocabulary_size: Number of ids.
          max_lines: Maximum number of lines to learn from; of a longer text, SentencePiece samples lines with a fixed
            seed.

        Raises:
          RunError: A vocabulary of this size cannot be learned from the text.
        """
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=model,
                model_type="bpe",
                vocab_size=vocabulary_size,
                input_sentence_size=max_lines,
                pad_id=PAD,
                unk_id=UNKNOWN,
                bos_id=BEGIN,
                eos_id=END,
                num_threads=1,
                minloglevel=2,
            )
        except RuntimeError as error:
            reason = " ".join(str(error).split("] ")[-1].split()) or "no reason given"
            raise RunError(
                f"No subwords can be learned from this text ({reason}); choose another vocabulary size. "
                f"Received: {vocabulary_size}"
            ) from None
        return cls(model.getvalue())

    @property
    def vocabulary_size(self) -> int:
        """Number of ids."""
        return self._processor.get_piece_size()

    def encode(self, lines: Sequence[str]) -> list[np.ndarray]:
        """Returns the ids of each line as int32, without beginning and end of sentence."""
        return [np.array(ids, np.int32) for ids in self._processor.encode(list(lines))]

    def decode(self, ids: Sequence[int]) -> str:
        """Returns detokenized text, without beginning of sentence, end of sentence and padding."""
        return self._processor.decode([int(index) for index in ids])

    def pieces(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns the text of each subword; those that begin a word start with "▁"."""
        return [self._processor.id_to_piece(int(index)) for index in ids]

    def split(self, ids: np.ndarray, max_length: int) -> list[np.ndarray]:
        """Splits ids into pieces of at most `max_length`, between words if possible."""
        pieces = []
        while len(ids) > max_length:
            starts = [n for n, text in enumerate(self.pieces(ids[: max_length + 1])) if n and text.startswith("▁")]
            cut = starts[-1] if starts else max_length
            pieces.append(ids[:cut])
            ids = ids[cut:]
        return [*pieces, ids]
