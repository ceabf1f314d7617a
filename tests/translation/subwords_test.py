import numpy as np
import pytest

from nos_tf.common.errors import RunError
from nos_tf.translation.subwords import BEGIN, END, PAD, Subwords
from tests.translation.sentences import TEXT

LINES = TEXT.source + TEXT.target


@pytest.fixture(scope="module")
def subwords():
    return Subwords.train(LINES, 120)


def test_decoding_restores_the_text(subwords):
    assert subwords.vocabulary_size == 120
    ids = subwords.encode(LINES)
    assert [subwords.decode(line) for line in ids] == LINES
    assert all(line.dtype == np.int32 and line.min() > END and line.max() < 120 for line in ids)
    assert subwords.decode([BEGIN, *ids[0], END, PAD, PAD]) == LINES[0]


def test_training_is_repeatable(subwords):
    assert Subwords.train(iter(LINES), 120).model == subwords.model


def test_a_model_file_can_be_read(subwords, tmp_path):
    path = tmp_path / "subwords.model"
    path.write_bytes(subwords.model)
    np.testing.assert_array_equal(Subwords.load(path).encode(LINES)[0], subwords.encode(LINES)[0])


def test_splits_between_words_if_possible(subwords):
    (ids,) = subwords.encode(["The house is small. We drink cold water."])
    pieces = subwords.split(ids, 7)
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 7
    np.testing.assert_array_equal(np.concatenate(pieces), ids)
    assert " ".join(subwords.decode(piece) for piece in pieces) == "The house is small. We drink cold water."
    (endless,) = subwords.encode(["e" * 50])
    assert [len(piece) for piece in subwords.split(endless, len(endless) - 1)] == [len(endless) - 1, 1]
    assert [len(piece) for piece in subwords.split(ids[:0], 7)] == [0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: Subwords.train(LINES, 5000), r"Vocabulary size too high .*Received: 5000"),
        (lambda path: Subwords.train(LINES, 5), r"choose another vocabulary size\. Received: 5"),
        (lambda path: Subwords.train([], 100), r"choose another vocabulary size\. Received: 100"),
        (lambda path: Subwords(b"nonsense"), r"not a SentencePiece model.* Received: 8 bytes"),
        (lambda path: Subwords.load(path / "missing"), r"cannot be read .*Received: .*missing"),
    ],
)
def test_unusable_texts_and_models_are_refused(call, message, tmp_path):
    with pytest.raises(RunError, match=message):
        call(tmp_path)


def test_a_model_with_other_special_ids_is_refused(tmp_path):
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=model, vocab_size=100, model_type="bpe", minloglevel=2
    )
    with pytest.raises(RunError, match=r"needs the ids pad 0.* Received: pad -1, unk 0, bos 1, eos 2"):
        Subwords(model.getvalue())
