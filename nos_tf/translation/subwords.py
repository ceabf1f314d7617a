"""Sub-words by sentencepiece, one vocabulary for both languages."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import sentencepiece

from nos_tf.common.errors import RunError

PAD, UNKNOWN, BEGIN, END = range(4)


class Subwords:
    """Turns text into ids and back. Ids 0 to 3 are padding, unknown, begin and end of sentence.

    Args:
      model: A serialized sentencepiece model.

    Raises:
      RunError: It is no sentencepiece model, or one with other ids for these four.
    """

    def __init__(self, model: bytes):
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError:
            raise RunError(f"This is not a sentencepiece model; check the file. Received: {len(model)} bytes") from None
        self.model = model
        processor = self._processor
        ids = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
        if ids != (PAD, UNKNOWN, BEGIN, END):
            raise RunError(
                "The sentencepiece model needs the ids pad 0, unk 1, bos 2, eos 3; train it with --pad_id=0 --unk_id=1 "
                f"--bos_id=2 --eos_id=3. Received: pad {ids[0]}, unk {ids[1]}, bos {ids[2]}, eos {ids[3]}"
            )

    @classmethod
    def load(cls, path: Path) -> Subwords:
        """Reads a model file.

        Raises:
          RunError: The file cannot be read or used.
        """
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise RunError(
                f"The sub-word model cannot be read ({error.strerror}); check the path. Received: {path}"
            ) from None

    @classmethod
    def train(cls, lines: Iterable[str], vocabulary_size: int, max_lines: int = 10_000_000) -> Subwords:
        """Learns byte-pair sub-words from lines of both languages; the same ones for the same arguments.

        Args:
          lines: Text, read once.
          vocabulary_size: Number of ids.
          max_lines: Number of lines to learn from; of more lines, sentencepiece draws these by a fixed seed.

        Raises:
          RunError: The text has no such number of sub-words.
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
                f"No sub-words can be learned from this text ({reason}); choose another vocabulary size. "
                f"Received: {vocabulary_size}"
            ) from None
        return cls(model.getvalue())

    @property
    def vocabulary_size(self) -> int:
        """Number of ids."""
        return self._processor.get_piece_size()

    def encode(self, lines: Sequence[str]) -> list[np.ndarray]:
        """Ids of each line as int32, without begin and end of sentence."""
        return [np.array(ids, np.int32) for ids in self._processor.encode(list(lines))]

    def decode(self, ids: Sequence[int]) -> str:
        """Detokenised text; begin, end and padding vanish."""
        return self._processor.decode([int(index) for index in ids])

    def split(self, ids: np.ndarray, max_length: int) -> list[np.ndarray]:
        """Cuts ids into pieces of at most `max_length`, between words where that is possible."""
        pieces = []
        while len(ids) > max_length:
            starts = [n for n in range(1, max_length + 1) if self._processor.id_to_piece(int(ids[n])).startswith("▁")]
            cut = starts[-1] if starts else max_length
            pieces.append(ids[:cut])
            ids = ids[cut:]
        return [*pieces, ids]
