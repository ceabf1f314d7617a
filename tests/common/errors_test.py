"""The wording that error messages share."""

from __future__ import annotations

import pytest

from nos_tf.common.errors import RunError, excerpt, first_line, require_known, summary, unknown


def test_unknown_name_with_a_near_miss():
    message = unknown("task", "digts", ["digits", "wine"])
    assert message == "Unknown task; did you mean 'digits'? Known: digits, wine. Received: 'digts'"


def test_unknown_name_with_nothing_near():
    assert unknown("searcher", "zzz", ("ppo", "random")) == "Unknown searcher. Known: ppo, random. Received: 'zzz'"


def test_names_that_must_be_known():
    require_known("searcher", ["ppo", "ppo"], ("ppo", "random"))
    with pytest.raises(RunError, match=r"^Unknown searcher. Known: ppo, random. Received: 'zzz'$"):
        require_known("searcher", ["ppo", "zzz", "yyy"], iter(("ppo", "random")))


def test_unknown_value_that_is_not_a_string():
    assert unknown("name in unary", 3, ["exp"]) == "Unknown name in unary. Known: exp. Received: 3"


def test_long_and_foreign_names_stay_one_short_line_of_ascii():
    quoted = excerpt("é\n" * 50)
    assert quoted.isascii()
    assert len(excerpt("a" * 100)) == 26
    assert "\n" not in quoted


def test_first_line():
    assert first_line(ValueError("\nwrong\nstack")) == "wrong"
    assert first_line(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert first_line(FileNotFoundError(2, "No such file or directory", "/secret/path")) == "No such file or directory"


def test_summary_keeps_only_the_first_and_last_lines():
    trace = "Graph execution error:\n\nDetected at node x (most recent call last):\n  File /a/b.py, line 3\n"
    error = ValueError(f"{trace}Incompatible shapes: [3] vs. [4]\n\t [[{{{{node x}}}}]] [Op:__inference_step_12]")
    assert summary(error) == "ValueError: Graph execution error: Incompatible shapes: [3] vs. [4]"
    assert summary(ValueError("one line")) == "ValueError: one line"
    assert summary(KeyError()) == "KeyError"
    assert summary(FileNotFoundError(2, "No such file", "a.npz")) == "FileNotFoundError: No such file: a.npz"
