import io
import os
import threading

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models.gnmt import GNMT
from nos_tf.translation.batches import Pairs, TrainingBatches
from nos_tf.translation.loss import SmoothedCrossEntropy
from nos_tf.translation.metrics import bleu
from nos_tf.translation.subwords import Subwords
from nos_tf.translation.translate import Translator, translate_stream
from tests.translation.sentences import TEXT


@pytest.fixture(scope="module")
def subwords():
    return Subwords.train(TEXT.source + TEXT.target, 150)


@pytest.fixture(scope="module")
def model(subwords):
    """A model that has memorized the sentences."""
    model = GNMT(subwords.vocabulary_size, units=48, num_layers=2, dropout=0.0, init_scale=0.3)
    model.compile(tf.keras.optimizers.Adam(0.02), SmoothedCrossEntropy(0.0), jit_compile=False)
    stream = TrainingBatches(Pairs.encode(TEXT, subwords), batch_size=12)
    model.fit(stream.batches(), epochs=1, steps_per_epoch=120, shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def translator(model, subwords):
    return Translator(model, subwords, width=2, batch_size=5, max_length=30)


def stream(translator, data):
    output, warnings = io.BytesIO(), []
    number = translate_stream(translator, io.BytesIO(data), output, warnings.append)
    assert output.getvalue().count(b"\n") == number
    return output.getvalue().decode().split("\n")[:-1], warnings


@pytest.mark.parametrize("width", [1, 4])
def test_a_model_that_memorized_its_sentences_translates_them(model, subwords, width):
    found = Translator(model, subwords, width).translate(TEXT.source)
    assert found == TEXT.target
    assert bleu(found, TEXT.target).score == pytest.approx(100)


def test_a_stream_keeps_its_order(translator):
    found, warnings = stream(translator, "\n".join(TEXT.source).encode())
    assert found == TEXT.target
    assert not warnings


def test_empty_lines_stay_empty(translator):
    found, warnings = stream(translator, f"\n{TEXT.source[0]}\r\n   \n\n{TEXT.source[1]}\n".encode())
    assert found == ["", TEXT.target[0], "", "", TEXT.target[1]]
    assert not warnings
    assert stream(translator, b"") == ([], [])


def test_a_long_line_is_translated_in_pieces(translator):
    words = " ".join(TEXT.source * 40)[:10_000]
    found, warnings = stream(translator, f"{TEXT.source[0]}\n{words}\n{'e' * 10_000}\n{TEXT.source[1]}\n".encode())
    assert len(found) == 4
    assert (found[0], found[3]) == (TEXT.target[0], TEXT.target[1])
    assert len(found[1]) > 1000
    assert [warning.split(" in ")[0] for warning in warnings] == [f"Line {n} is long: it is translated" for n in (2, 3)]


def test_invalid_utf8_is_replaced_with_a_warning(translator):
    found, warnings = stream(
        translator, b"The \xff house\n\xc3\x28\xfe\n" + TEXT.source[2].encode() + b"\n\xff\n\x00\n"
    )
    assert len(found) == 5
    assert found[2] == TEXT.target[2]
    assert [warning.split(" is ")[0] for warning in warnings] == ["Line 1", "Line 2", "Line 4"]


def test_lines_are_translated_as_they_arrive(translator):
    """Writes each line only after reading the translation of the previous one."""
    read_end, write_end = os.pipe()
    out_read, out_write = os.pipe()
    with (
        os.fdopen(read_end, "rb") as lines,
        os.fdopen(write_end, "wb", buffering=0) as source,
        os.fdopen(out_read, "rb") as translations,
        os.fdopen(out_write, "wb") as output,
    ):
        thread = threading.Thread(target=translate_stream, args=(translator, lines, output, print), daemon=True)
        thread.start()
        for line, expected in zip(TEXT.source[:3], TEXT.target, strict=False):
            source.write(line.encode() + b"\n")
            assert translations.readline().decode().rstrip("\n") == expected
        source.close()
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_a_failing_input_is_not_mistaken_for_its_end(translator):
    def lines():
        yield TEXT.source[0].encode() + b"\n"
        raise OSError("the disk is gone")

    output = io.BytesIO()
    with pytest.raises(OSError, match="the disk is gone"):
        translate_stream(translator, lines(), output, print)
    assert output.getvalue().decode() == TEXT.target[0] + "\n"


def test_maximum_length_of_a_translation_depends_on_the_source(subwords):
    model = GNMT(subwords.vocabulary_size, units=4, num_layers=2)
    weights = np.zeros([4, subwords.vocabulary_size])
    model.projection.set_weights([weights])  # All subwords are equally likely, so the first one wins.
    tokens = Translator(model, subwords, width=1)._search(np.array([[5, 6, 3]], np.int32), np.array([16])).tokens
    assert np.count_nonzero(tokens) == 16
