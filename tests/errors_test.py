"""The sentences that error messages share."""

from __future__ import annotations

from nos_tf.errors import excerpt, first_line, unknown


def test_unknown_name_with_a_near_miss():
    message = unknown("task", "digts", ["digits", "wine"])
    assert message == "Unknown task; did you mean 'digits'? Known: digits, wine. Received: 'digts'"


def test_unknown_name_with_nothing_near():
    assert unknown("searcher", "zzz", ("ppo", "random")) == "Unknown searcher. Known: ppo, random. Received: 'zzz'"


def test_unknown_value_that_is_no_text():
    assert unknown("name in unary", 3, ["exp"]) == "Unknown name in unary. Known: exp. Received: 3"


def test_long_and_foreign_names_stay_one_short_line_of_ascii():
    quoted = excerpt("é\n" * 50)
    assert quoted.isascii()
    assert len(excerpt("a" * 100)) == 26
    assert "\n" not in quoted


def test_first_line():
    assert first_line(ValueError("\nwrong\nstack")) == "wrong"
    assert first_line(KeyboardInterrupt()) == "KeyboardInterrupt"
