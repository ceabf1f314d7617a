import pytest

from nos_tf.datasets import parallel_text
from nos_tf.errors import RunError


def test_reads_line_by_line(tmp_path):
    (tmp_path / "en").write_bytes("one\r\n\ntwo\u2028three\x0cfour".encode())
    (tmp_path / "de").write_bytes(b"eins\nz\xffwei\n\n")
    text = parallel_text.load(str(tmp_path / "en"), str(tmp_path / "de"))
    assert text == (["one", "", "two\u2028three\x0cfour"], ["eins", "z\ufffdwei", ""])


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    (tmp_path / "en").write_text("one\ntwo\n")
    (tmp_path / "de").write_text("eins\n")
    with pytest.raises(RunError, match=r"same number of lines.* Received: 2 lines in .*en, 1 in .*de"):
        parallel_text.load(str(tmp_path / "en"), str(tmp_path / "de"))
    with pytest.raises(RunError, match=r"cannot be read \(No such file.*\).* Received: .*missing"):
        parallel_text.load(str(tmp_path / "en"), str(tmp_path / "missing"))
