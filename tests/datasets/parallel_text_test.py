import pytest

from nos_tf.common.errors import DataWarning, RunError
from nos_tf.datasets import parallel_text


def test_reads_line_by_line(tmp_path):
    (tmp_path / "en").write_bytes("one\r\n\ntwo\u2028three\x0cfour".encode())
    (tmp_path / "de").write_bytes(b"eins\nz\xffwei\n\n")
    with pytest.warns(DataWarning, match="^1 bytes are not UTF-8 .* on 1 of 3 lines, .* line 2 of .*de$"):
        text = parallel_text.load(str(tmp_path / "en"), str(tmp_path / "de"))
    assert text == (["one", "", "two\u2028three\x0cfour"], ["eins", "z\ufffdwei", ""])


def test_mismatched_and_missing_files_are_refused(tmp_path):
    (tmp_path / "en").write_text("one\ntwo\n")
    (tmp_path / "de").write_text("eins\n")
    with pytest.raises(RunError, match=r"same number of lines.* Received: 2 lines in .*en, 1 in .*de"):
        parallel_text.load(str(tmp_path / "en"), str(tmp_path / "de"))
    with pytest.raises(RunError, match=r"cannot be read \(No such file.*\).* Received: .*missing"):
        parallel_text.load(str(tmp_path / "en"), str(tmp_path / "missing"))


def test_bytes_that_are_not_utf8_are_counted_in_one_line(tmp_path):
    (tmp_path / "en").write_bytes("good \u00fc\n".encode() + b"\xff\xfe\xe4bad\ngood\nbad\x80\n" + "\ufffd\n".encode())
    (tmp_path / "de").write_bytes(b"1\n2\n3\n4\n5\n")
    with pytest.warns(DataWarning) as caught:
        text = parallel_text.load(str(tmp_path / "en"), str(tmp_path / "de"))
    (warning,) = caught
    assert str(warning.message).startswith("4 bytes are not UTF-8 and are read as U+FFFD, on 2 of 5 lines")
    assert text.source[4] == "\ufffd"


GOOD = parallel_text.ParallelText(["one", "two", "three"], ["eins", "zwei", "drei"])


def test_good_texts_pass():
    parallel_text.check_texts({"train": GOOD, "val": parallel_text.ParallelText(["four"], ["vier"])})
    parallel_text.check_texts({"val": GOOD})


def test_texts_without_a_complete_pair_are_refused():
    blank = parallel_text.ParallelText(["four", " "], ["", "eins"])
    with pytest.raises(ValueError, match=r"^A pair of val must have words on both sides; .* Received: 2 pairs$"):
        parallel_text.check_texts({"train": GOOD, "val": blank})


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (["four", ""], ["vier", "leer"], "^1 of 2 pairs of val have an empty side$"),
        (["four", "five"], ["four", "five"], "^2 of 2 pairs of val have the same text on both sides$"),
        (["two", "five", "two"], ["zwei", "fuenf", "zwei"], "^2 of 3 pairs of val are also trained on$"),
    ],
)
def test_suspicious_texts_cause_a_warning(source, target, message):
    with pytest.warns(DataWarning, match=message):
        parallel_text.check_texts({"train": GOOD, "val": parallel_text.ParallelText(source, target)})
